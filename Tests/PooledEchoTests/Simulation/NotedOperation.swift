@testable import PooledEcho

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
    /// On a file: what it does when it starts.
    case file(() -> Void)
    case setTimer(ReactorTimer, seconds: Double, operation: Int)
}
