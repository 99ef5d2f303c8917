@testable import PooledEcho

/// The peer's end of a connection. Both ways go the bytes of `StreamPattern`, by `id`.
protocol RingPeer: AnyObject {
    /// The place in the order of connecting, from 0.
    var id: Int { get }
    /// Sends the next bytes of its stream, as far as there is room now. Nil when the connection is reset.
    @discardableResult func send(_ byteCount: Int) -> Int?
    /// Reads what is there, up to `byteCount` bytes, and checks it.
    func read(_ byteCount: Int) -> SimulatedPeer.Read
    /// Whether a read brought other bytes than were to come, where somebody can tell.
    var hasReadWrongBytes: Bool { get }
    func shutdownWrite()
    func close()
    func reset()
}
