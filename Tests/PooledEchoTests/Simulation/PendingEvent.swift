import ZeroPoolURing

@testable import PooledEcho

/// An event on its way to the reactor. Its connection has no number here: whether it still has one shows when it is
/// handed over.
enum PendingEvent {
    case accepted(SimulatedConnection)
    case acceptEnded(errno: Int32)
    case identified(SimulatedConnection, PeerAddress?)
    case received(SimulatedConnection, LeaseBox)
    case receiveEnded(SimulatedConnection, errno: Int32, isEndOfStream: Bool)
    case sent(SimulatedConnection, LeaseBox?, byteCount: Int)
    case sendFailed(SimulatedConnection, LeaseBox?, errno: Int32)
    case halfClosed(SimulatedConnection)
    case released(SimulatedConnection, LeaseBox, wasCopied: Bool)
    /// A buffer that waited for bytes is back, or was taken by a receive first. The reactor hears nothing of it.
    case withdrawn(LeaseBox?)
    case opened(SimulatedConnection, file: Int32, FileStatus)
    case openFailed(SimulatedConnection, errno: Int32)
    case read(SimulatedConnection, LeaseBox, byteCount: Int, errno: Int32)
    case checked(SimulatedConnection, FileStatus?)
    case woken
    case timer(ReactorTimer)
}

/// A pending event and the operation that it is of: those of one operation come in order.
struct Completion {
    var operation: Int
    var event: PendingEvent
}
