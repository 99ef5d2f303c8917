import SystemSupport
import Glibc

/// Summary rows as a person reads them, in at most 100 columns.
struct SummaryTable {
    static let widths = 80...100

    let rows: [SummaryRow]
    /// Columns that a line may have.
    private let width: Int
    private let columns: Columns

    /// The widths of the columns, each followed by a space.
    private struct Columns {
        var title = 23
        let other = 13
        var cost = 9
        var ratio = 26
        /// Cells of a bar left of the 1, and from there on.
        var behind = 2
        var ahead = 10
        var showsEveryInterval = true

        init(width: Int) {
            guard width < 100 else { return }
            (title, cost, ratio, behind, ahead) = (21, 8, 16, 1, 6)
            showsEveryInterval = false
        }
    }

    init(_ rows: [SummaryRow], width: Int = 100) {
        self.rows = rows
        self.width = min(max(width, Self.widths.lowerBound), Self.widths.upperBound)
        columns = Columns(width: self.width)
    }

    /// As wide as the terminal, or 100 columns where there is none.
    static func width(for stream: StandardStream) -> Int {
        stream.columnCount ?? widths.upperBound
    }

    var text: String {
        let header = line(
            title: "", other: "beside", pool: "pool", without: "without", ratio: "without ÷ pool",
            bar: String(repeating: " ", count: columns.behind) + "1")
        var text = header
        var lastTitle = ""
        for row in rows {
            text += line(
                title: row.title == lastTitle ? "" : row.title, other: row.other.title,
                pool: row.quantity.text(row.withPool.median), without: row.quantity.text(row.without.median),
                ratio: ratio(row), bar: bar(row))
            lastTitle = row.title
        }
        return text
    }

    private func line(
        title: String, other: String, pool: String, without: String, ratio: String, bar: String
    ) -> String {
        var line = [
            TextWrap.cell(title, width: columns.title), TextWrap.cell(other, width: columns.other),
            TextWrap.cell(pool, width: columns.cost, isRight: true),
            TextWrap.cell(without, width: columns.cost, isRight: true),
            TextWrap.cell(" " + ratio, width: columns.ratio + 1), bar,
        ].joined(separator: " ")
        while line.last == " " { line.removeLast() }
        return line + "\n"
    }

    private func ratio(_ row: SummaryRow) -> String {
        guard let ratio = row.ratio else { return "not measured" }
        let interval = "(\(Self.number(ratio.low))–\(Self.number(ratio.high)))"
        switch row.verdict {
        case .ahead, .behind: return "\(Self.number(ratio.ratio)) \(interval)"
        case .noDifference: return "no difference" + (columns.showsEveryInterval ? " \(interval)" : "")
        case .undecided: return "\(Self.number(ratio.ratio))? few rounds"
        }
    }

    private static func number(_ value: Double) -> String {
        value < 9.995 ? Format.decimal(value, places: 2) : Format.significant(value)
    }

    /// On a logarithmic scale from the 1 on: full as far as the interval is sure, then light to where it ends.
    private func bar(_ row: SummaryRow) -> String {
        guard let ratio = row.ratio else { return "" }
        // 16 times as much fills the cells to the right, and half as much is one or two to the left.
        let cellsPerDoubling = Double(columns.ahead) / 4
        func cells(_ value: Double) -> Double { log2(value) * cellsPerDoubling }
        let blank = String(repeating: " ", count: columns.behind)
        switch row.verdict {
        case .ahead:
            let sure = min(cells(ratio.low), Double(columns.ahead))
            let most = min(cells(ratio.high), Double(columns.ahead))
            let solid = Self.blocks(sure)
            let light = max(0, Int(most.rounded()) - solid.count)
            return blank + "│" + solid + String(repeating: "░", count: light)
        case .behind:
            let count = min(columns.behind, max(1, Int(-cells(ratio.ratio).rounded())))
            return String(repeating: " ", count: columns.behind - count) + String(repeating: "█", count: count) + "│"
        case .noDifference, .undecided:
            return blank + "│"
        }
    }

    private static func blocks(_ cells: Double) -> String {
        let eighths = max(1, Int((cells * 8).rounded()))
        let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
        return String(repeating: "█", count: eighths / 8) + parts[eighths % 8]
    }
}

/// What `loadgen compare` prints first: the summary and what it means.
struct ComparisonSummary {
    let report: ComparisonReport
    let width: Int

    var text: String {
        let table = SummaryTable(report.rows, width: width)
        let width = min(max(width, SummaryTable.widths.lowerBound), SummaryTable.widths.upperBound)
        func paragraph(_ text: String) -> String { TextWrap.wrap(text, width: width) + "\n" }
        let introduction = paragraph(
            """
            CPU time per request with the pool, with malloc and its defaults, and with the best of the other allocators. \
            Brackets hold the 95 % interval of the ratio. Above 1, the pool is ahead. Bars are logarithmic.
            """)
        let findings = Findings(report).sentences.map { TextWrap.wrap($0, width: width) }.joined()
        let method = TextWrap.wrap(
            """
            \(Format.count(report.rounds, "round")) of \(Format.decimal(report.durationSeconds, places: 2)) s, contenders \
            taking turns, every byte verified. \(report.machine.placement.text) \(report.machine.text).
            """, width: width)
        return introduction + table.text + "\n" + findings + "\n" + method
    }
}
