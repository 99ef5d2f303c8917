import ZeroPool
import ZeroPoolURing

@testable import ZeroPoolReactor

/// An operation that the reactor asked for and that has not started.
enum NotedOperation {
    case armAccept(operation: Int)
    case cancelAccept
    case identify(SimulatedConnection, operation: Int)
    case armReceive(SimulatedConnection, ReceiveExtent, operation: Int)
    case cancelReceive(SimulatedConnection)
    case send(SimulatedConnection, SimulatedConnection.Send)
    case cancelSend(SimulatedConnection)
    case shutdownWrite(SimulatedConnection, operation: Int)
    case close(SimulatedConnection)
    case reset(SimulatedConnection)
    case withdraw(operation: Int)
    /// That belongs to no connection: what it does when it starts.
    case other(() -> Void)
    case setTimer(ReactorTimer, seconds: Double, operation: Int)
}

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
    /// Of an operation that belongs to no connection.
    case completed(OperationToken, result: Int32, LeaseBox?, FileStatus?)
    case woken
    case timer(ReactorTimer)
}

/// A pending event and the operation that it is of: those of one operation come in order.
struct Completion {
    var operation: Int
    var event: PendingEvent
}

/// A reactor's event without its lease, to be compared.
enum ObservedEvent: Equatable {
    case accepted(ConnectionNumber)
    case acceptEnded(errno: Int32)
    case identified(ConnectionNumber, PeerAddress?)
    case received(ConnectionNumber, byteCount: Int)
    case receiveEnded(ConnectionNumber, errno: Int32, isEndOfStream: Bool)
    case sent(ConnectionNumber, byteCount: Int, hasLease: Bool)
    case sendFailed(ConnectionNumber, errno: Int32, hasLease: Bool)
    case halfClosed(ConnectionNumber)
    case released(ConnectionNumber?, wasCopied: Bool)
    case completed(OperationToken, result: Int32)
    case woken
    case timer(ReactorTimer)

    /// Whether the lease came back; it goes home.
    static func isThere(_ lease: consuming PooledBuffer?) -> Bool {
        switch consume lease {
        case .some: true
        case .none: false
        }
    }
}

/// What a simulated ring tells of what is asked of it, and of what it hands over.
protocol RingObserver: AnyObject {
    func armedAccept()
    func armedReceive(_ connection: SimulatedConnection, _ extent: ReceiveExtent)
    func cancelled(_ connection: SimulatedConnection)
    func halfClosed(_ connection: SimulatedConnection)
    func closed(_ connection: SimulatedConnection, isReset: Bool)
    func setMemoryTimer(isAboveRest: Bool)
    func trimmedMemory()
    func beganRest()
    /// The reactor waits: everything that it does is done.
    func turned(isPolling: Bool)
    func willHandOver(_ event: PendingEvent)
    func didHandOver(_ event: PendingEvent)
}
