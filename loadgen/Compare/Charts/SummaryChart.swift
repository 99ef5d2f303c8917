/// The summary as a picture: for each workload the cost with the pool, with malloc and with the best other allocator.
struct SummaryChart {
    private let workloads: [Workload]
    private let machine: String
    private let rounds: Int

    init(_ report: ComparisonReport) {
        workloads = report.workloads
        machine = report.machine.text
        rounds = report.rounds
    }

    /// A file of its own, with its colours for light and dark.
    var svg: String { picture(width: 720, style: Markup.colours + Markup.chartStyle) }

    /// A part of a page.
    func element(width: Double) -> String { picture(width: width, style: nil) }

    private static let label = "CPU time per request with the pool, with malloc and with the best other allocator"

    private func picture(width: Double, style: String?) -> String {
        var canvas = SVGCanvas(width: width)
        let margin = style == nil ? 0.0 : 18.0
        let isNarrow = width < 500
        if style != nil {
            canvas.advance(30)
            canvas.text("CPU time per request, with ZeroPool and without", x: margin, style: "title")
            canvas.advance(20)
            canvas.text(
                "Shorter is better. Lines: range of \(rounds) rounds. “3 ×”: three times as much CPU time as with the pool.",
                x: margin, style: "soft")
            canvas.advance(10)
        }
        for workload in workloads {
            let rows = workload.rows
            guard !rows.isEmpty else { continue }
            canvas.advance(style == nil && canvas.height == 0 ? 14 : 24)
            canvas.text(workload.title, x: margin, style: "head")
            if isNarrow {
                for row in rows {
                    canvas.advance(17)
                    canvas.text(Self.words(row), x: margin, style: Self.style(row))
                }
            } else {
                canvas.text(rows.map { (Self.words($0), Self.style($0)) }, endingAt: width - margin)
            }
            canvas.advance(20)
            canvas.bars(
                Self.bars(workload, rows), labelWidth: 104, textWidth: 64, margin: margin)
        }
        if style != nil {
            canvas.advance(14)
            canvas.text(machine, x: margin, style: "soft")
        }
        canvas.advance(style == nil ? 4 : 16)
        return canvas.svg(label: Self.label, style: style)
    }

    private static func bars(_ workload: Workload, _ rows: [SummaryRow]) -> [Bar] {
        let pool = rows[0].withPool
        let quantity = workload.quantity
        return [
            Bar(
                label: "ZeroPool", value: pool.median, range: pool.min...pool.max, text: quantity.text(pool.median),
                style: "pool")
        ]
            + rows.map { row in
                Bar(
                    label: row.other.title, value: row.without.median, range: row.without.min...row.without.max,
                    text: quantity.text(row.without.median), style: Bar.style(of: row.other))
            }
    }

    /// `malloc 3.07 ×`.
    static func words(_ row: SummaryRow) -> String {
        switch row.verdict {
        case .ahead, .behind: "\(row.other.title) \(Format.significant(row.ratio?.ratio ?? 0)) ×"
        case .noDifference: "\(row.other.title): no difference"
        case .undecided: "\(row.other.title): too few rounds"
        }
    }

    static func style(_ row: SummaryRow) -> String {
        switch row.verdict {
        case .ahead: "gain"
        case .behind: "loss"
        case .noDifference, .undecided: "soft"
        }
    }
}
