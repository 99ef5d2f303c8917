import FoundationEssentials
import Histogram
import Testing

@testable import loadgen

@Suite("Summary of a comparison")
struct SummaryTests {
    private static func rounds(_ values: [Double]) -> [Int: Double] {
        Dictionary(uniqueKeysWithValues: values.enumerated().map { ($0 + 1, $1) })
    }

    private static func workload(
        _ title: String, _ kind: Workload.Kind, malloc: Double, mimalloc: Double, pool: Double, noise: Double = 0
    ) -> Workload {
        func around(_ value: Double) -> [Int: Double] {
            rounds([1 - noise, 1 + noise, 1, 1 - noise / 2, 1 + noise / 3].map { $0 * value })
        }
        return Workload(
            title: title, name: "<\(title)>", kind: kind, quantity: .nanoseconds, pool: .registered,
            costs: [.malloc: around(malloc), .mimalloc: around(mimalloc), .registered: around(pool)])
    }

    private static var report: ComparisonReport {
        let placement = Placement(allowed: [0, 1], siblings: { [$0] })
        var report = ComparisonReport(
            rounds: 5, warmupSeconds: 0.1, durationSeconds: 0.3, machine: Machine(placement: placement))
        report.workloads = [
            workload("get and return 64 KiB", .getAndReturn, malloc: 16, mimalloc: 15, pool: 1.1),
            workload("echo 512 B × 64", .echo, malloc: 5000, mimalloc: 5000, pool: 5000, noise: 0.1),
            workload("hot file 64 KiB × 64", .hotFile, malloc: 67_000, mimalloc: 21_000, pool: 21_000, noise: 0.02),
            workload(
                "a title that is much too long for the column that it stands in", .coldFile,
                malloc: 1.23456e15, mimalloc: 9.9e14, pool: 1.5e15),
        ]
        return report
    }

    @Test(
        "No line is wider than the terminal, from 80 to 100 columns, whatever the numbers",
        arguments: [40, 80, 93, 100, 300])
    func widths(width: Int) {
        let text = ComparisonSummary(report: Self.report, width: width).text
        let limit = min(max(width, 80), 100)
        for line in text.split(separator: "\n") { #expect(line.count <= limit, "\(line.count): \(line)") }
        #expect(text.contains("…") && text.contains("no difference"))
    }

    @Test("A row says the costs, the ratio with its interval, and draws it; equal ones are no difference")
    func rows() throws {
        let lines = SummaryTable(Self.report.rows).text.split(separator: "\n").map(String.init)
        let pair = try #require(lines.first { $0.hasPrefix("get and return") })
        for part in ["malloc", "1.10 ns", "16.0 ns", "14.5 (14.5–14.5)", "│█████"] {
            #expect(pair.contains(part), "\(part) in \(pair)")
        }
        let echo = try #require(lines.first { $0.hasPrefix("echo") })
        #expect(echo.contains("no difference (") && echo.hasSuffix("│"))
        #expect(lines.contains { $0.contains("█│") }, "what is behind is drawn to the left")
        // The second row of a workload has no title.
        #expect(lines.filter { $0.contains("echo") }.count == 1)
    }

    @Test("The sentences follow the verdicts")
    func sentences() {
        let text = Findings(Self.report).sentences.joined(separator: "\n")
        for part in [
            "Pooled buffers save CPU time for <hot file 64 KiB × 64>: with malloc and its defaults, the server needs",
            "The pool costs more for <a title",
            "(mimalloc), the pool gains nothing for <echo 512 B × 64> and <hot file",
            "There is nothing to gain for <echo 512 B × 64>", "takes 1.10 ns instead of 16.0 ns",
        ] {
            #expect(text.contains(part), "\(part) in\n\(text)")
        }
    }

    @Test("Too few rounds are said to be too few")
    func fewRounds() {
        var report = Self.report
        report.workloads = [
            Workload(
                title: "x", name: "x", kind: .echo, quantity: .nanoseconds, pool: .pooled,
                costs: [.malloc: [1: 9], .pooled: [1: 1]])
        ]
        #expect(Findings(report).sentences.map { $0.contains("use --rounds 5") } == [true])
        #expect(SummaryTable(report.rows).text.contains("few rounds"))
    }

    @Test("Progress tells how far it is and how long the rest takes")
    func progress() {
        let text = ComparisonProgress.text(index: 25, of: 100, elapsedSeconds: 10, title: "echo, malloc")
        #expect(text == "[#####---------------] 26 of 100, about 30 s left: echo, malloc")
        #expect(
            ComparisonProgress.text(index: 0, of: 4, elapsedSeconds: 0, title: "x")
                == "[--------------------] 1 of 4: x")
    }

    @Test("Words wrap at spaces, and cells are cut")
    func wrap() {
        #expect(TextWrap.wrap("one two three", width: 7) == "one two\nthree\n")
        #expect(TextWrap.wrap("incomprehensible is", width: 4) == "incomprehensible\nis\n")
        #expect(TextWrap.cell("abc", width: 5, isRight: true) == "  abc" && TextWrap.cell("abcdef", width: 4) == "abc…")
    }

    /// A whole page: with runs of servers, a problem, and text that has to be escaped.
    private static var page: String {
        var report = report
        var statistics = ServerStatistics()
        statistics.operations = ["recv": 10, "<b>send</b>": 1000]
        var histogram = Histogram<UInt64>(highestTrackableValue: 1_000_000)
        histogram.record(5000)
        let runs = Contender.allCases.map { contender in
            CellRun(
                contender: contender, round: 1, requestsPerSecond: 12_345_678_901,
                latencyMicroseconds: LatencySummary(histogram), serverProcessorMicrosecondsPerRequest: 5,
                loadgenProcessorMicrosecondsPerRequest: 1, serverPeakByteCount: 1 << 20, totalRequestCount: 1000,
                serverStatistics: statistics,
                file: CellRun.File(
                    bytesPerSecond: 1e9, serverProcessorSecondsPerGigabyte: 1, diskByteCountPerRequest: nil,
                    residentByteCountBefore: 0, residentByteCountAfter: 0))
        }
        for fileCase in FileCase.defaults {
            report.cases.append(ComparisonReport.CaseResult(case: .file(fileCase), runs: runs))
        }
        report.cases.append(ComparisonReport.CaseResult(case: .echo(EchoCase.defaults[0]), runs: runs))
        report.cases.append(ComparisonReport.CaseResult(case: .echo(EchoCase.defaults[0]), runs: []))
        report.problems = ["it said: \"a < b & c > d\" 'x'"]
        return ComparisonPage(report).html
    }

    @Test("The page is well-formed, escapes what it shows, and loads nothing")
    func html() throws {
        let page = Self.page
        #expect(try WellFormed.check(page) > 300)
        #expect(page.contains("it said: &quot;a &lt; b &amp; c &gt; d&quot; &#39;x&#39;"))
        #expect(page.contains("&lt;b&gt;send&lt;/b&gt;") && !page.contains("<b>send"))
        for loading in ["http:", "https:", "src=", "@import", "url(", "<script", "<link"] {
            #expect(!page.contains(loading), "\(loading)")
        }
        for part in [
            "prefers-color-scheme:dark", "@media print", "max-width:560px", "Machine and method", "aria-label",
        ] {
            #expect(page.contains(part), "\(part)")
        }
    }

    @Test("The chart is a well-formed picture of its own, in light and dark")
    func svg() throws {
        let chart = SummaryChart(Self.report).svg
        #expect(try WellFormed.check(chart) > 30)
        #expect(chart.hasPrefix("<svg") && chart.contains("xmlns=\"http://www.w3.org/2000/svg\""))
        #expect(chart.contains("prefers-color-scheme:dark") && !chart.contains("NaN") && !chart.contains("inf"))
    }

    @Test(
        "The check for well-formed markup finds what is not",
        arguments: ["<p><b></p></b>", "<p>", "</p>", "<p>a & b</p>", "<p x=1></p>"])
    func checker(markup: String) { #expect(throws: WellFormed.Fault.self) { try WellFormed.check(markup) } }
}

/// A check that tags are closed in order, attributes are quoted, and text is escaped.
enum WellFormed {
    struct Fault: Error { let text: String }

    /// - Returns: how many elements there are.
    @discardableResult
    static func check(_ markup: String) throws -> Int {
        let empty: Set<Substring> = ["meta", "!DOCTYPE"]
        var open: [Substring] = []
        var count = 0
        var rest = markup[...]
        while let start = rest.firstIndex(of: "<") {
            try checkText(rest[..<start], in: open.last)
            guard let end = rest[start...].firstIndex(of: ">") else { throw Fault(text: "no end: \(rest.prefix(80))") }
            let tag = rest[rest.index(after: start)..<end]
            let name = tag.drop { $0 == "/" }.prefix { !$0.isWhitespace && $0 != "/" }
            if tag.hasPrefix("/") {
                guard open.popLast() == name else { throw Fault(text: "</\(name)> closes nothing") }
            } else {
                count += 1
                try checkAttributes(tag.dropFirst(name.count), of: name)
                if !tag.hasSuffix("/"), !empty.contains(name) { open.append(name) }
            }
            rest = rest[rest.index(after: end)...]
        }
        guard open.isEmpty else { throw Fault(text: "left open: \(open)") }
        return count
    }

    private static func checkText(_ text: Substring, in element: Substring?) throws {
        guard element != "style" else { return }
        for part in text.split(separator: "&", omittingEmptySubsequences: false).dropFirst() {
            guard let end = part.firstIndex(of: ";"), part[..<end].count <= 5 else {
                throw Fault(text: "bare &: \(text)")
            }
        }
    }

    private static func checkAttributes(_ text: Substring, of name: Substring) throws {
        guard name != "!DOCTYPE" else { return }
        let quotes = text.count { $0 == "\"" }
        let values = text.split(separator: "\"", omittingEmptySubsequences: false)
        let names = stride(from: 0, to: values.count, by: 2).map { values[$0] }.filter { $0.contains("=") }
        guard quotes % 2 == 0, names.count == quotes / 2 else { throw Fault(text: "attributes of \(name): \(text)") }
    }
}
