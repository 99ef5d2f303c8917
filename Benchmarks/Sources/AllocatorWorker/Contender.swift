/// A way to come by a buffer and to give it back: what the workloads are generic over.
///
/// The conforming type is the buffer, not its source, so that a buffer may be noncopyable. The workloads are specialised
/// for each of the conforming types; where nothing is inlined across this protocol, the contender itself is not inlinable.
protocol Contender: ~Copyable, SendableMetatype {
    /// What the threads share: a pool, or nothing.
    associatedtype Source: Sendable
    /// What a thread gets from: the source, or a handle of its own to it.
    associatedtype Access

    /// Runs `body` with the calling thread's access, which ends with it; it is for buffers of `byteCount` bytes, or of all
    /// sizes when that is nil.
    static func withAccess<Result>(to source: Source, byteCount: Int?, _ body: (Access) -> Result) -> Result

    /// A buffer of at least `byteCount` bytes, not zeroed.
    static func get(_ byteCount: Int, from access: Access) -> Self

    /// Runs `body` with the buffer's first byte.
    mutating func withMemory(_ body: (UnsafeMutableRawPointer) -> Void)

    /// Ends the buffer, on whatever thread that is; `access` is that thread's.
    consuming func giveBack(to access: Access)

    /// Gets so far by where they were served, of a source that counts them.
    static func tiers(of source: Source) -> [(name: String, count: Int)]
}

extension Contender where Self: ~Copyable {
    static func tiers(of source: Source) -> [(name: String, count: Int)] { [] }
}

extension Contender where Self: ~Copyable, Access == Source {
    @inline(__always)
    static func withAccess<Result>(to source: Source, byteCount: Int?, _ body: (Access) -> Result) -> Result {
        body(source)
    }
}
