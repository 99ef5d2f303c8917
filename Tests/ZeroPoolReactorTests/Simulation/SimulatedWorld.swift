import ZeroPool

@testable import ZeroPoolReactor
import TestSupport

/// A simulated kernel whose peers a test plays by hand, and whose ring it uses as a reactor would.
///
/// ```swift
/// let world = SimulatedWorld()
/// world.ring.armAccept()
/// let peer = world.connect()
/// #expect(try world.turn() == [.accepted(0)])
/// world.ring.armReceive(0, .multishot)
/// peer.send(100)
/// #expect(try world.turn() == [.received(0, byteCount: 100)])
/// ```
///
/// `turn()` is one wait and all its events, as `ObservedEvent`s; leases that came are kept by connection, and `echo`
/// sends the oldest of them back. A peer can `send`, `read`, `shutdownWrite`, `close` and `reset`. Time passes by
/// `advance(seconds:)` only. Without `faults` all goes well; `world.kernel.faults` can be changed on the way, and
/// `world.trace.violation` says which rule of `ReactorRing` was broken, if one was.
final class SimulatedWorld {
    let trace: SimulationTrace
    let kernel: SimulatedKernel
    let ring: SimulatedRing
    private var leases: [ConnectionNumber: [LeaseBox]] = [:]

    init(
        parameters: SimulatedKernel.Parameters = .init(), faults: FaultPlan = FaultPlan(), seed: UInt64 = 0
    ) {
        trace = SimulationTrace(seed: seed)
        kernel = SimulatedKernel(
            parameters: parameters, faults: faults, generator: SeededGenerator(seed: seed), trace: trace)
        ring = SimulatedRing(kernel)
    }

    deinit { kernel.end() }

    /// A peer connects. The last byte of its address can be chosen.
    func connect(from address: UInt8 = 1) -> SimulatedPeer { SimulatedPeer(kernel, from: address) }

    /// Time passes; what is due in it happens with the next turn.
    func advance(seconds: Double) { kernel.now += Int(seconds * 1e6) }

    /// One wait, which does not block, and the events that have come.
    func turn() throws -> [ObservedEvent] {
        try ring.wait(isPolling: true)
        var events: [ObservedEvent] = []
        ring.forEachEvent { event in events.append(keep(event)) }
        return events
    }

    /// Sends the oldest lease that came from the connection back to it. - Returns: how many bytes that are; nil for none.
    @discardableResult
    func echo(_ number: ConnectionNumber, mayZeroCopy: Bool = false) -> Int? {
        guard let box = leases[number]?.first else { return nil }
        leases[number]?.removeFirst()
        let byteCount = box.byteCount
        ring.send(box.take(), from: 0, to: number, mayZeroCopy: mayZeroCopy)
        return byteCount
    }

    /// Leases that came and were not sent.
    func leaseCount(of number: ConnectionNumber) -> Int { leases[number]?.count ?? 0 }

    private func keep(_ event: consuming ReactorEvent) -> ObservedEvent {
        switch consume event {
        case .accepted(let number): return .accepted(number)
        case .acceptEnded(let errno): return .acceptEnded(errno: errno)
        case .identified(let number, let address): return .identified(number, address)
        case .received(let number, let lease):
            let byteCount = lease.count
            leases[number, default: []].append(LeaseBox(lease))
            return .received(number, byteCount: byteCount)
        case .receiveEnded(let number, let errno, let isEndOfStream):
            return .receiveEnded(number, errno: errno, isEndOfStream: isEndOfStream)
        case .sent(let number, let lease, let byteCount):
            return .sent(number, byteCount: byteCount, hasLease: ObservedEvent.isThere(lease))
        case .sendFailed(let number, let lease, let errno):
            return .sendFailed(number, errno: errno, hasLease: ObservedEvent.isThere(lease))
        case .halfClosed(let number): return .halfClosed(number)
        case .released(let lease, let wasCopied, let number):
            _ = consume lease
            return .released(number, wasCopied: wasCopied)
        case .completed(let token, let outcome): return .completed(token, result: outcome.result)
        case .woken: return .woken
        case .timer(let timer): return .timer(timer)
        }
    }
}
