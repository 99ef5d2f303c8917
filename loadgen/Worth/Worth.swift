import SystemSupport
import ZeroPool

/// What remains of the pool's worth beside good allocators: memory after a burst, large blocks that are touched, reads into
/// registered memory, and a byte limit.
struct Worth: Sendable {
    static let touchedByteCounts = [256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20]
    static let directByteCounts = [4 << 10, 16 << 10, 64 << 10]
    static let burstBlockByteCount = 256 << 10
    static let limitByteCount = 64 << 20
    private static let directFile = FileCase(connections: 1, fileByteCount: 64 << 20, pageCache: .cold)
    private static let touchSeconds = 0.05
    private static let directSeconds = 0.25

    let roundCount: Int
    /// How long after a burst memory is looked at again.
    let idleSeconds: Double
    let folder: String?
    var contenders = Contender.available

    private var withoutRing: [Contender] { contenders.filter { $0 != .registered } }

    private var stepCount: Int {
        roundCount
            * (Self.touchedByteCounts.count * withoutRing.count + Self.directByteCounts.count * contenders.count + 2)
    }

    /// Blocks until all is measured. Works on a thread of its own, which is pinned.
    func run(progress: ProgressLine) throws -> WorthReport {
        try SystemThread { Result { try measureAll(ComparisonProgress(stepCount: stepCount, line: progress)) } }.join()
            .get()
    }

    private func measureAll(_ progress: ComparisonProgress) throws -> WorthReport {
        let placement = Placement(allowed: ProcessBudget.allowedProcessors, siblings: Processors.siblings(of:))
        var report = WorthReport(rounds: roundCount, idleSeconds: idleSeconds, machine: Machine(placement: placement))
        if let processor = placement.server { _ = ProcessBudget.pinCurrentThread(toProcessor: processor) }
        for byteCount in Self.touchedByteCounts {
            let title = "touch \(Format.byteCount(byteCount))"
            report.workloads.append(
                Workload(
                    title: title, name: "touched blocks of \(Format.byteCount(byteCount))", kind: .touchedBlock,
                    quantity: .nanoseconds, pool: .pooled,
                    costs: measure(.touched, byteCount, Self.touchSeconds, title, withoutRing, &report, progress)))
        }
        try measureDirectReads(into: &report, progress)
        measureLimit(into: &report, progress)
        measureBursts(into: &report, progress)
        return report
    }

    /// All rounds of one size, the contenders taking turns.
    private func measure(
        _ kind: Sample.Kind, _ byteCount: Int, _ seconds: Double, path: String = "", _ title: String,
        _ contenders: [Contender], _ report: inout WorthReport, _ progress: ComparisonProgress
    ) -> [Contender: [Int: Double]] {
        progress.begin(title)
        var costs: [Contender: [Int: Double]] = [:]
        for round in 1...roundCount {
            for contender in contenders {
                progress.step("\(title), \(contender.title)")
                do {
                    let sample = Sample(
                        kind: kind, contender: contender, byteCount: byteCount, seconds: seconds, path: path)
                    costs[contender, default: [:]][round] = try sample.run()["nanoseconds"]
                } catch {
                    report.problems.append("\(title), round \(round): \(error)")
                }
            }
        }
        return costs
    }

    private func measureDirectReads(into report: inout WorthReport, _ progress: ComparisonProgress) throws {
        progress.line.show("making a file")
        let folder = try ServedFolder(for: [Self.directFile], in: folder)
        defer { folder.remove() }
        report.fileSystem = folder.place.fileSystem
        let path = folder.file(for: Self.directFile).path
        for byteCount in Self.directByteCounts {
            let title = "O_DIRECT \(Format.byteCount(byteCount))"
            report.workloads.append(
                Workload(
                    title: title, name: "O_DIRECT reads of \(Format.byteCount(byteCount))", kind: .directRead,
                    quantity: .nanoseconds, pool: .registered,
                    costs: measure(
                        .direct, byteCount, Self.directSeconds, path: path, title, contenders, &report, progress)))
        }
    }

    private func measureLimit(into report: inout WorthReport, _ progress: ComparisonProgress) {
        progress.begin("a byte limit")
        for round in 1...roundCount {
            progress.step("a byte limit")
            do {
                let pooled = try Sample(kind: .limit, contender: .pooled, byteCount: Self.limitByteCount).run()
                let malloc = try Sample(kind: .limit, contender: .malloc, byteCount: Self.limitByteCount).run()
                report.limits.append(WorthReport.Limit(pooled: pooled, malloc: malloc))
            } catch {
                report.problems.append("byte limit, round \(round): \(error)")
            }
        }
    }

    /// The contenders of a round wait at the same time: they use no processor meanwhile.
    private func measureBursts(into report: inout WorthReport, _ progress: ComparisonProgress) {
        progress.begin("memory of a burst")
        var peaks: [Contender: [Int: Double]] = [:]
        var rests: [Contender: [Int: Double]] = [:]
        for round in 1...roundCount {
            progress.step("memory of a burst")
            do {
                let samples = withoutRing.map {
                    Sample(
                        kind: .burst, contender: $0, byteCount: Self.burstBlockByteCount, seconds: idleSeconds)
                }
                let started = try samples.map { (sample: $0, process: try $0.start()) }
                for (sample, process) in started {
                    let values = try sample.result(of: process)
                    peaks[sample.contender, default: [:]][round] = values["peakByteCount"]
                    rests[sample.contender, default: [:]][round] = values["afterByteCount"]
                }
            } catch {
                report.problems.append("memory of a burst, round \(round): \(error)")
            }
        }
        let after = "memory \(Format.decimal(idleSeconds, places: 0)) s later"
        for (title, costs) in [("memory in a burst", peaks), (after, rests)] {
            report.workloads.append(
                Workload(
                    title: title, name: title, kind: .residentMemory, quantity: .bytes, pool: .pooled, costs: costs))
        }
    }
}
