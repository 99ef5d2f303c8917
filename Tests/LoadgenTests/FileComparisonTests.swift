import TestSupport
import FoundationEssentials
import Glibc
import Testing

@testable import loadgen

/// Whole comparisons of file servers, with children that are real servers and files on a real disk.
@Suite(
    "Comparison of file servers", .serialized,
    .enabled(if: Machine.allowsRings, "io_uring is not available here"))
struct FileComparisonTests {
    private static let hot = FileCase(connections: 3, fileByteCount: 4096, pageCache: .hot)
    private static let cold = FileCase(connections: 1, fileByteCount: 1 << 20, pageCache: .cold)

    /// Compares with files in a folder of its own, and checks that nothing stays there. Without a server, one that is not there.
    private func compare(
        _ server: ScriptedServer?, _ cases: [FileCase] = [hot, cold], rounds: Int = 1, in system: URL? = nil
    ) throws -> ComparisonReport {
        let parent = (system ?? FileManager.default.temporaryDirectory).appending(path: "compare-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: parent) }
        let path = parent.path(percentEncoded: false)
        var comparison = Comparison(
            serverPath: server?.path ?? "/no/such/pooled-echo", cases: cases.map(ComparisonCase.file),
            roundCount: rounds, warmupSeconds: 0.05,
            durationSeconds: 0.15)
        comparison.folder = path
        comparison.contenders = [.malloc, .pooled, .registered]
        defer {
            let left = try? FileManager.default.contentsOfDirectory(atPath: path)
            #expect(left == [], "something was left behind")
        }
        return try comparison.run(progress: ProgressLine(isShown: false))
    }

    @Test(
        "Every contender serves a hot and a cold file in turns, and the table says what was found",
        .enabled(if: Disk.isAvailable, "no disk for temporary files"))
    func measures() throws {
        let server = try ScriptedServer.ofFiles()
        let report = try compare(server, rounds: 2)
        #expect(report.problems.isEmpty, "\(report.problems)")
        for (result, fileCase) in zip(report.cases, [Self.hot, Self.cold]) {
            #expect(
                result.runs.map { "\($0.contender.title) \($0.round)" } == [
                    "malloc 1", "pooled 1", "registered 1", "malloc 2", "pooled 2", "registered 2",
                ])
            for run in result.runs {
                let file = try #require(run.file)
                #expect(run.requestsPerSecond > 0 && run.serverStatistics.files?.reads == run.totalRequestCount)
                // But for what a window cuts: an answer of each connection at either end.
                func agree(_ one: Double, _ other: Double) -> Bool { one <= 1.25 * other && other <= 1.25 * one }
                let byteCount = Double(fileCase.fileByteCount)
                #expect(agree(file.bytesPerSecond, run.requestsPerSecond * byteCount))
                #expect(
                    agree(
                        file.serverProcessorSecondsPerGigabyte * byteCount / 1000,
                        run.serverProcessorMicrosecondsPerRequest))
                // A server that reads through the page cache: what it sends is in it then.
                #expect(file.residentByteCountAfter == fileCase.fileByteCount)
            }
        }
        let (hot, cold) = (report.cases[0].runs, report.cases[1].runs)
        #expect(hot.allSatisfy { $0.file?.residentByteCountBefore == 4096 && $0.totalRequestCount > 3 })
        #expect(cold.allSatisfy { $0.file?.residentByteCountBefore == 0 && $0.totalRequestCount >= 1 })
        // The first ones may have python read parts of itself.
        #expect(hot.last?.file?.diskByteCountPerRequest == 0)
        if Disk.isBlockDevice { #expect(cold.allSatisfy { $0.file?.diskByteCountPerRequest ?? 0 >= 1_048_576 }) }

        let text = ComparisonTable(report).text
        for expected in [
            "3 connections × file of 4 KiB, hot", "1 connection × file of 1 MiB, cold", "MB/s", "server CPU s/GB",
            "malloc, pooled, registered, the same: 1.00 read + 1.00 send per request; ",
            "; all reads through the page cache", "0 B of the file in the page cache before, 1 MiB after",
            "read from disks per request; 4 KiB of the file in the page cache before, 4 KiB after",
            "each for a file that is not in the page cache; no warm-up",
        ] {
            #expect(text.contains(expected), "\(expected) in\n\(text)")
        }
        let json = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        for expected in [#""fileByteCount":1048576"#, #""pageCache":"cold""#, #""serverProcessorSecondsPerGigabyte""#] {
            #expect(json.contains(expected), "\(expected) in \(json)")
        }
    }

    @Test("Reads past the page cache in one mode are another path, and so shown")
    func otherPath() throws {
        let server = try ScriptedServer.ofFiles(
            files: "{'reads': 2 * n, 'directReads': {'registered': 2 * n, 'pooled': n, 'malloc': 0}[mode]}")
        let report = try compare(server, [Self.hot])
        #expect(report.problems.isEmpty, "\(report.problems)")
        #expect(report.cases[0].contenders.map(\.samePathAs) == [[], [.registered], [.pooled]])
        let text = ComparisonTable(report).text
        for expected in [
            "; all reads past the page cache", "; of 2.00 reads 1.00 past the page cache",
            "malloc: 1.00 read + 1.00 send per request; no registered buffer used; no zero copy; all reads through the page",
        ] {
            #expect(text.contains(expected), "\(expected) in\n\(text)")
        }
    }

    @Test("A wrong byte in one mode is a problem that names it, and the others are still measured")
    func wrongBytes() throws {
        let server = try ScriptedServer.ofFiles(fault: "if mode == 'pooled': data = data[:99] + b'?!' + data[101:]")
        let report = try compare(server, [Self.hot])
        #expect(report.problems.count >= 1)
        #expect(report.problems.allSatisfy { $0.hasPrefix("3 connections × file of 4 KiB, hot, pooled, round 1: ") })
        #expect(report.problems.contains { $0.contains("wrong bytes: ") && $0.contains(" of the body of answer 0") })
        #expect(report.cases[0].contenders.map(\.contender) == [.malloc, .registered])
    }

    @Test(
        "A file that never leaves memory is not measured as cold, which is said once; hot ones are",
        .enabled(if: ServedFolder.isInMemory("/dev/shm"), "no folder in memory"))
    func inMemory() throws {
        let server = try ScriptedServer.ofFiles()
        let report = try compare(server, rounds: 2, in: URL(filePath: "/dev/shm"))
        #expect(report.problems.count == 1)
        #expect(
            report.problems.first?.hasPrefix(
                "1 connection × file of 1 MiB, cold: not cold: 1 MiB of the file stay in the page cache: its folder is in "
                    + "memory; choose a folder on a disk") == true, "\(report.problems)")
        #expect(report.cases[0].runs.count == 6 && report.cases[1].runs.isEmpty)
        #expect(ComparisonTable(report).text.contains("cold\n  nothing was measured\n"))
    }

    @Test("A server program that is not there ends the comparison, and the files go")
    func missingServer() throws {
        #expect(throws: ServerError.notFound(path: "/no/such/pooled-echo")) { try compare(nil) }
    }

    @Test("A server that says nothing of files, as an older one, is a problem")
    func silentServer() throws {
        let server = try ScriptedServer.ofFiles(files: "None")
        let report = try compare(server, [Self.hot])
        #expect(report.problems.count { $0.contains("the server did not report how it read files") } == 3)
    }
}
