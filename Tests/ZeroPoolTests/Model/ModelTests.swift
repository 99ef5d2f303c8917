import Glibc
import Testing

@testable import ZeroPool
import TestSupport

/// Pools beside a plain model of them. `ZEROPOOL_MODEL_SEEDS=N` runs N seeds, `ZEROPOOL_MODEL_SEED=S` one, with its trace.
@Suite("Pool beside a model", .serialized)
struct ModelTests {
    private static func environment(_ name: String) -> UInt64? {
        getenv(name).flatMap { UInt64(String(cString: $0)) }
    }

    private static var replayedSeed: UInt64? { environment("ZEROPOOL_MODEL_SEED") }

    /// As many seeds as are to be run, from a fresh one on; or the one that is replayed.
    private static func seeds(_ name: String, count: UInt64) -> Range<UInt64> {
        if let replayedSeed { return replayedSeed..<replayedSeed + 1 }
        let count = environment("ZEROPOOL_MODEL_SEEDS") ?? count
        let base = environment("ZEROPOOL_MODEL_BASE") ?? UInt64.random(in: 0...1 << 62)
        print("\(count) \(name) from seed \(base) on")
        return base..<base + count
    }

    @Test("whatever is done in whatever order, on whatever threads, the pool keeps its promises")
    func sequences() {
        for seed in ModelTests.seeds("sequences", count: Sanitizer.isActive ? 10 : 40) {
            let run = ModelRun(seed: seed, isPrinted: ModelTests.replayedSeed != nil)
            guard let violation = run.run() else { continue }
            Issue.record(
                """
                Seed \(seed) breaks the rule "\(violation)". The last steps:
                \(run.trace.tail())
                Replay it with ZEROPOOL_MODEL_SEED=\(seed) swift test --disable-xctest --filter ZeroPoolTests.ModelTests
                """)
            // One failure is enough to look at.
            return
        }
    }

    @Test("whatever threads do at once, bytes stay their tenant's, and in the end nothing is missing")
    func threads() {
        for seed in ModelTests.seeds("runs of threads", count: Sanitizer.isActive ? 5 : 15) {
            let violations = ConcurrentRun(seed: seed).run()
            guard let violation = violations.first else { continue }
            Issue.record(
                """
                Seed \(seed) breaks \(violations.count) rules, first "\(violation)". Try it again, as often as needed, with
                ZEROPOOL_MODEL_SEED=\(seed) swift test --disable-xctest --filter ZeroPoolTests.ModelTests
                """)
            return
        }
    }

    @Test("run after run, a process grows no larger, and no slot stays taken")
    func steady() async throws {
        // It says what is wrong and ends well all the same: what a process wrote that did not is not to be had.
        let result = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            StandardError.write(ModelTests.complaintAfterManyRuns())
        }
        let complaint = String(decoding: result.standardErrorContent, as: UTF8.self)
        #expect(complaint.isEmpty, "\(complaint)")
    }

    /// Runs seeds in a process that does nothing else: what it keeps, or nothing.
    private static func complaintAfterManyRuns() -> String {
        let base = UInt64.random(in: 0...1 << 62)
        let (warmUpCount, count): (UInt64, UInt64) = Sanitizer.isActive ? (1, 2) : (10, 40)
        var before = 0
        for seed in base..<base + count {
            if seed == base + warmUpCount { before = ProcessFile.residentByteCount }
            if let violation = ModelRun(seed: seed, mayDebug: false).run() {
                return "seed \(seed), without debugging pools, breaks the rule \"\(violation)\""
            }
        }
        let growth = ProcessFile.residentByteCount - before
        // What malloc keeps sways by 8 MiB, however many runs there are; an arena lost in each would be 60.
        if growth > 16 << 20, !Sanitizer.isActive { return "\(growth) bytes more from seed \(base) on" }
        return BufferPool().core.slot == 0 ? "" : "slots stay taken from seed \(base) on"
    }
}

extension ProcessFile {
    /// As many bytes of memory as the process has now.
    fileprivate static var residentByteCount: Int {
        let line = lines("/proc/self/status").first { $0.hasPrefix("VmRSS:") }
        return Int(line!.split { $0 == " " || $0 == "\t" }[1])! * 1024
    }
}
