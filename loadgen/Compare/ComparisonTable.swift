/// A comparison as a person reads it: a table a case, and under it the paths that were taken.
struct ComparisonTable {
    private let report: ComparisonReport

    init(_ report: ComparisonReport) {
        self.report = report
    }

    var text: String {
        let header = """
            \(report.placement.text)
            \(Format.count(report.rounds, "round")) of \(Format.decimal(report.durationSeconds, places: 1)) s after \
            \(Format.decimal(report.warmupSeconds, places: 1)) s of warm-up, modes taking turns, every byte verified. \
            Median (least–most).

            """
        return header + report.cases.map(Self.text(of:)).joined()
    }

    private static func text(of result: ComparisonReport.CaseResult) -> String {
        guard !result.modes.isEmpty else { return "\n\(result.case.title)\n  nothing was measured\n" }
        let rows = result.modes.map { mode in
            [
                mode.mode.rawValue,
                cell(mode.requestsPerSecond, Format.grouped),
                cell(mode.p99Microseconds, Format.microseconds),
                cell(mode.serverProcessorMicrosecondsPerRequest) { Format.decimal($0, places: 2) },
                cell(mode.serverPeakByteCount) { Format.decimal($0 / 1_048_576, places: 1) },
                cell(mode.processorTimeToMalloc) { Format.decimal($0, places: 2) },
                cell(mode.requestsPerSecondToMalloc) { Format.decimal($0, places: 2) },
            ]
        }
        let titles = [
            "buffers", "requests/s", "p99 µs", "server CPU µs/request", "server peak MiB", "CPU/request ÷ malloc",
            "requests/s ÷ malloc",
        ]
        return "\n\(result.case.title)\n" + lines([titles] + rows) + paths(of: result)
    }

    private static func cell(_ spread: Spread?, _ format: (Double) -> String) -> String {
        guard let spread else { return "" }
        let (middle, least, most) = (format(spread.median), format(spread.min), format(spread.max))
        return least == most ? middle : "\(middle) (\(least)–\(most))"
    }

    /// Columns as wide as their widest cell.
    private static func lines(_ rows: [[String]]) -> String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = " "
            for (cell, width) in zip(row, widths) {
                line += " " + cell + String(repeating: " ", count: width - cell.count + 1)
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }

    /// Modes whose requests took the same path stand together: between them only memory differs.
    private static func paths(of result: ComparisonReport.CaseResult) -> String {
        var shown: Set<ServerMode> = []
        var text = "  path taken, by the server's own count\n"
        for mode in result.modes where !shown.contains(mode.mode) {
            let group = result.modes.filter { $0.mode == mode.mode || mode.samePathAs.contains($0.mode) }
            shown.formUnion(group.map(\.mode))
            let names = group.map(\.mode.rawValue).joined(separator: ", ")
            if Set(group.map(\.path.text)).count == 1 {
                text += "    \(names)\(group.count > 1 ? ", the same" : ""): \(mode.path.text)\n"
            } else {
                // The same kinds of operations, in other numbers.
                text += "    \(names), the same:\n"
                text += group.map { "      \($0.mode.rawValue): \($0.path.text)\n" }.joined()
            }
        }
        for mode in result.modes where mode.path.registeredByteCount > 0 {
            text += "    \(mode.mode.rawValue): \(Format.byteCount(mode.path.registeredByteCount)) registered\n"
        }
        return text
    }
}
