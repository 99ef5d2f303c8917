@testable import PooledEcho

/// What the model saw, to be compared with the server's statistics. Where a connection ended while two things could have
/// ended it and nothing shows which did, either is right.
struct Tally {
    var accepted = 0
    var refused = 0
    var failed = 0
    var unsureFailures = 0
    var idle = 0
    var stalled = 0
    var cutWithLoss = 0
    var possiblyCut = 0
    var starved = 0
    var bytesHandedOver = 0
    var bytesDiscarded = 0
    var bytesUnsure = 0
    var bytesSent = 0

    mutating func cut(_ cause: Ledger.Cause) {
        switch cause {
        case .idleness: idle += 1
        case .stall: stalled += 1
        case .drainEnd, .failure: break
        }
    }

    func check(_ statistics: ServerStatistics, _ trace: SimulationTrace) {
        func require(_ value: Int, _ range: ClosedRange<Int>, _ rule: StaticString) {
            guard !range.contains(value) else { return }
            trace.note("the model saw at least", SimulationTrace.none, range.lowerBound)
            trace.violate(rule, SimulationTrace.none, value)
        }
        let connections = statistics.connections
        require(connections.accepted, accepted...accepted, "accepted connections are counted")
        require(connections.refused, refused...refused, "refused connections are counted")
        require(connections.failed, failed...failed + unsureFailures, "failed connections are counted")
        require(connections.idle, idle...idle + possiblyCut, "idle connections are counted")
        require(connections.stalled, stalled...stalled + possiblyCut, "stalled connections are counted")
        require(connections.cut, cutWithLoss...cutWithLoss + possiblyCut, "cut connections are counted")
        let bytes = statistics.bytes
        require(bytes.sent, bytesSent...bytesSent, "sent bytes are counted")
        require(
            bytes.received + bytes.discarded, bytesHandedOver...bytesHandedOver, "each byte is received or discarded")
        require(bytes.discarded, bytesDiscarded...bytesDiscarded + bytesUnsure, "discarded bytes are counted")
        require(statistics.starvedReceives, starved - possiblyCut...starved, "receives without a buffer are counted")
    }
}
