import Glibc

/// One round of a workload: its time, and what shows the path that it took.
struct Round {
    let elapsed: Elapsed
    /// Page faults of the whole process, those of starting threads included.
    let pageFaultCount: Int
    /// Gets by where they were served; empty for sources that do not count.
    let tiers: [(name: String, count: Int)]

    init<Buffer: Contender & ~Copyable>(
        _ workload: Workload, _ buffer: Buffer.Type, source: Buffer.Source, iterationCount: Int
    ) {
        let tiersBefore = Buffer.tiers(of: source)
        let faultsBefore = ResidentMemory.pageFaultCount
        elapsed = workload.run(buffer, source: source, iterationCount: iterationCount)
        pageFaultCount = ResidentMemory.pageFaultCount - faultsBefore
        tiers = zip(Buffer.tiers(of: source), tiersBefore).map { ($0.name, $0.count - $1.count) }
    }

    var json: String {
        let tiers = tiers.map { "\"\($0.name)\": \($0.count)" }.joined(separator: ", ")
        return """
            {"nanoseconds": \(elapsed.nanoseconds), "pairs": \(elapsed.pairCount), \
            "pageFaults": \(pageFaultCount), "tiers": {\(tiers)}}
            """
    }
}
