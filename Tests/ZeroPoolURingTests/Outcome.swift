import ZeroPool
import ZeroPoolURing

/// What the completion of an operation with a lease brought, in a form for expectations. The lease is back in its pool.
struct Outcome {
    let context: UInt64
    let completion: Completion
    /// The written bytes of the lease; nil when the completion came without it.
    let bytes: [UInt8]?
    let address: UnsafeMutableRawPointer?

    var result: Int32 { completion.result }
    var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
}

/// A completion that belongs to no operation of the pool.
struct NotOurs: Error {}

extension RingPool {
    /// Passes `completion` on, which has to be the pool's.
    func outcome(of completion: Completion) throws -> Outcome {
        guard var completed = complete(completion) else { throw NotOurs() }
        let (context, completion) = (completed.context, completed.completion)
        guard let lease = completed.lease.take() else {
            return Outcome(context: context, completion: completion, bytes: nil, address: nil)
        }
        return Outcome(
            context: context, completion: completion, bytes: Array(copying: lease), address: lease.baseAddress)
    }

    /// Reaps the one completion that is there, and passes it on.
    func reapOne(from ring: borrowing Ring) throws -> Outcome {
        try outcome(of: ring.reapOne())
    }
}

extension ProvidedBufferRing {
    /// Takes the lease for `completion` and copies its written bytes. Nil when there is none.
    func takeBytes(_ completion: Completion) -> [UInt8]? {
        guard let lease = take(completion) else { return nil }
        return Array(copying: lease)
    }
}
