@testable import PooledEcho

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
