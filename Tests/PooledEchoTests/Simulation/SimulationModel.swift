@testable import PooledEcho

final class SimulationModel {
    func armedAccept() {}
    func armedReceive(_ connection: SimulatedConnection) {}
    func cancelled(_ connection: SimulatedConnection) {}
    func halfClosed(_ connection: SimulatedConnection) {}
    func closed(_ connection: SimulatedConnection, isReset: Bool) {}
    func turned() {}
    func willHandOver(_ event: PendingEvent) {}
    func didHandOver(_ event: PendingEvent) {}
}
