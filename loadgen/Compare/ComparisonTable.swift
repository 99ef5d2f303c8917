/// A comparison as a person reads it: a table a case, and under it the paths that were taken.
struct ComparisonTable {
    private let report: ComparisonReport

    init(_ report: ComparisonReport) {
        self.report = report
    }

    var text: String {
        let header = """
            \(report.machine.placement.text)
            \(Format.count(report.rounds, "round")) of \(Format.decimal(report.durationSeconds, places: 1)) s after \
            \(Format.decimal(report.warmupSeconds, places: 1)) s of warm-up, contenders taking turns, every byte verified. \
            Median (least–most).

            """
        let files = report.files.map { place in
            """
            The file is read for each request (--cache-size 0), because a cached response needs no buffer. Files in \
            \(place.folder)\(place.fileSystem.map { ", on \($0)" } ?? ""). What the disk, or the host of a virtual disk, has \
            in memory is not visible.

            """
        }
        return header + (files ?? "") + report.cases.map(Self.text(of:)).joined()
    }

    private static func text(of result: ComparisonReport.CaseResult) -> String {
        guard !result.contenders.isEmpty else { return "\n\(result.case.title)\n  nothing was measured\n" }
        let columns = columns(of: result.case)
        let rows = result.contenders.map { contender in columns.map { $0.cell(contender) } }
        return "\n\(result.case.title)\n" + manner(of: result.case) + lines([columns.map(\.title)] + rows)
            + paths(of: result) + pageCache(of: result)
    }

    /// What is not as the header has it.
    private static func manner(of comparisonCase: ComparisonCase) -> String {
        guard comparisonCase.fileCase?.pageCache == .cold else { return "" }
        return "  one request after the other, each for a file that is not in the page cache; no warm-up\n"
    }

    private typealias Column = (title: String, cell: (ComparisonReport.ContenderResult) -> String)

    private static func columns(of comparisonCase: ComparisonCase) -> [Column] {
        let requests: Column = ("requests/s", { cell($0.requestsPerSecond, count) })
        let slowest: Column = ("p99 µs", { cell($0.p99Microseconds, Format.microseconds) })
        let bytes: Column = ("MB/s", { cell($0.file?.bytesPerSecond) { count($0 / 1e6) } })
        let perRequest: Column = (
            "server CPU µs/request", { cell($0.serverProcessorMicrosecondsPerRequest, hundredths) }
        )
        let perGigabyte: Column = (
            "server CPU s/GB", { cell($0.file?.serverProcessorSecondsPerGigabyte) { Format.decimal($0, places: 3) } }
        )
        // Of a cold file there are a few requests, of which no percentile says anything.
        let shown: [Column] =
            comparisonCase.fileCase == nil
            ? [requests, slowest, perRequest] : [requests, bytes, perRequest, perGigabyte]
        return [("buffers", { $0.contender.title })] + shown + [
            ("page faults/request", { cell($0.pageFaultsPerRequest, hundredths) }),
            ("server peak MiB", { cell($0.serverPeakByteCount) { Format.decimal($0 / 1_048_576, places: 1) } }),
            ("CPU/request ÷ malloc", { cell($0.processorTimeToMalloc, hundredths) }),
            ("requests/s ÷ malloc", { cell($0.requestsPerSecondToMalloc, hundredths) }),
        ]
    }

    private static func hundredths(_ value: Double) -> String {
        value < 10_000 ? Format.decimal(value, places: 2) : Format.grouped(value)
    }

    /// A few are not rounded to whole ones.
    private static func count(_ value: Double) -> String {
        value < 100 ? Format.decimal(value, places: 2) : Format.grouped(value)
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

    /// Contenders whose requests took the same path stand together: between them only memory differs.
    private static func paths(of result: ComparisonReport.CaseResult) -> String {
        var shown: Set<Contender> = []
        var text = "  path taken, by the server's own count\n"
        for contender in result.contenders where !shown.contains(contender.contender) {
            let group = result.contenders.filter {
                $0.contender == contender.contender || contender.samePathAs.contains($0.contender)
            }
            shown.formUnion(group.map(\.contender))
            let names = group.map(\.contender.title).joined(separator: ", ")
            if Set(group.map(\.path.text)).count == 1 {
                text += "    \(names)\(group.count > 1 ? ", the same" : ""): \(contender.path.text)\n"
            } else {
                // The same kinds of operations, in other numbers.
                text += "    \(names), the same:\n"
                text += group.map { "      \($0.contender.title): \($0.path.text)\n" }.joined()
            }
        }
        for contender in result.contenders where contender.path.registeredByteCount > 0 {
            let registered = Format.byteCount(contender.path.registeredByteCount)
            text += "    \(contender.contender.title): \(registered) registered\n"
        }
        return text
    }

    /// What the kernel says of the files that were served; contenders of which it says the same stand together.
    private static func pageCache(of result: ComparisonReport.CaseResult) -> String {
        var namesByText: [(text: String, names: [String])] = []
        for contender in result.contenders {
            guard let file = contender.file else { continue }
            let read = file.diskByteCountPerRequest.map { "\(bytes($0)) read from disks per request; " } ?? ""
            let text = """
                \(read)\(bytes(file.residentByteCountBefore)) of the file in the page cache before, \
                \(bytes(file.residentByteCountAfter)) after
                """
            if let index = namesByText.firstIndex(where: { $0.text == text }) {
                namesByText[index].names.append(contender.contender.title)
            } else {
                namesByText.append((text, [contender.contender.title]))
            }
        }
        guard !namesByText.isEmpty else { return "" }
        return "  where the bytes were, by the kernel's count\n"
            + namesByText.map { "    \($0.names.joined(separator: ", ")): \($0.text)\n" }.joined()
    }

    private static func bytes(_ spread: Spread) -> String { cell(spread) { Format.byteCount(Int($0)) } }
}
