/// A comparison as one HTML file that needs nothing else: charts, the paths taken, the machine, and all figures.
struct ComparisonPage {
    private let report: ComparisonReport

    init(_ report: ComparisonReport) {
        self.report = report
    }

    var html: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>ZeroPool: with the pool and without</title>
        <style>
        \(Markup.colours)\(Markup.chartStyle)\(Self.pageStyle)</style>
        </head>
        <body>
        <main>
        <h1>What pooled buffers gain on this machine</h1>
        \(problems)\(findings)\(summary)\(report.cases.map(Self.section).joined())\(machine)\(figures)</main>
        </body>
        </html>

        """
    }

    private static let pageStyle = """
        *{box-sizing:border-box}
        body{margin:0;background:var(--ground);color:var(--ink);
        font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
        main{max-width:1080px;margin:0 auto;padding:24px 20px 48px}
        h1{font-size:1.6rem;line-height:1.25;margin:0 0 .6em}h2{font-size:1.15rem;margin:2em 0 .2em}
        h3{font-size:.95rem;margin:0 0 .4em}p{margin:.5em 0;max-width:46em}.soft{color:var(--soft)}
        .note{font-size:.9rem;color:var(--soft)}
        .fit{max-width:760px}.panel{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:14px 16px}
        .cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:14px;margin:.8em 0}
        .chart{display:block;width:100%;height:auto;max-width:720px}.cards .chart{max-width:460px}.narrow{display:none}
        dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1.2em;margin:.6em 0}dt{color:var(--soft)}dd{margin:0}
        ul{margin:.4em 0;padding-left:1.2em}pre{overflow-x:auto;font-size:12px;line-height:1.45}
        summary{cursor:pointer}.problem{border-color:var(--malloc)}
        @media(max-width:560px){main{padding:16px 12px}h1{font-size:1.3rem}.cards{grid-template-columns:1fr}
        .wide{display:none}.narrow{display:block}dl{grid-template-columns:1fr;gap:0}dd{margin:0 0 .5em}}
        @media print{body{font-size:11pt}main{max-width:none;padding:0}.panel,section{break-inside:avoid}
        .fit{max-width:760px}.panel{background:none}details{display:none}
        *{-webkit-print-color-adjust:exact;print-color-adjust:exact}}

        """

    private static func paragraph(_ text: String, style: String = "") -> String {
        "<p\(style.isEmpty ? "" : " class=\"\(style)\"")>\(Markup.escape(text))</p>\n"
    }

    private var problems: String {
        guard !report.problems.isEmpty else { return "" }
        let items = report.problems.map { "<li>\(Markup.escape($0))</li>\n" }.joined()
        return "<div class=\"panel problem\"><h3>Something went wrong</h3><ul>\n\(items)</ul></div>\n"
    }

    private var findings: String { Findings(report).sentences.map { Self.paragraph($0) }.joined() }

    private var summary: String {
        guard !report.workloads.isEmpty else { return "" }
        let chart = SummaryChart(report)
        return """
            <h2>CPU time per request</h2>
            \(Self.paragraph(
                """
                Shorter is better. Lines show the range of \(Format.count(report.rounds, "round")). “3 ×” means three times as \
                much CPU time as with the pool; “no difference” that the 95 % interval of the ratio covers 1.
                """, style: "note"))<div class="panel fit"><div class="wide">\(chart.element(width: 720))</div>\
            <div class="narrow">\(chart.element(width: 340))</div></div>

            """
    }

    private static func section(_ result: ComparisonReport.CaseResult) -> String {
        let title = "<section><h2>\(Markup.escape(result.case.title))</h2>\n"
        guard !result.contenders.isEmpty else { return title + paragraph("Nothing was measured.") + "</section>\n" }
        let isFile = result.case.fileCase != nil
        let isCold = result.case.kind == .coldFile
        let throughput = card(
            isFile ? "Throughput" : "Requests per second", result,
            value: { isFile ? $0.file?.bytesPerSecond : $0.requestsPerSecond },
            text: isFile ? Format.byteRate : { Format.grouped($0) })
        let processorTime = card(
            "CPU time of the server per request", result, value: { $0.serverProcessorMicrosecondsPerRequest },
            text: { Quantity.nanoseconds.text($0 * 1000) })
        return title + "<div class=\"cards\">\n" + throughput + processorTime + latency(result, isCold: isCold)
            + "</div>\n" + paths(result) + "</section>\n"
    }

    private static func card(
        _ title: String, _ result: ComparisonReport.CaseResult,
        value: (ComparisonReport.ContenderResult) -> Spread?, text: (Double) -> String
    ) -> String {
        let bars = result.contenders.compactMap { contender in
            value(contender).map { spread in
                Bar(
                    label: contender.contender.title, value: spread.median, range: spread.min...spread.max,
                    text: text(spread.median), style: Bar.style(of: contender.contender))
            }
        }
        return card(title, bars, textWidth: 82)
    }

    /// Up to the median dark, up to the 99th percentile light. Of a cold file there are too few requests for that.
    private static func latency(_ result: ComparisonReport.CaseResult, isCold: Bool) -> String {
        func text(_ microseconds: Double) -> String { Quantity.nanoseconds.text(microseconds * 1000) }
        let bars = result.contenders.map { contender in
            let (p50, p99) = (contender.p50Microseconds, contender.p99Microseconds)
            return Bar(
                label: contender.contender.title, value: isCold ? p50.median : p99.median,
                range: isCold ? p50.min...p50.max : nil,
                text: isCold ? text(p50.median) : "\(text(p50.median)), \(text(p99.median))",
                style: Bar.style(of: contender.contender), part: isCold ? nil : p50.median)
        }
        return card(isCold ? "Latency, median" : "Latency, median and 99 %", bars, textWidth: isCold ? 82 : 122)
    }

    private static func card(_ title: String, _ bars: [Bar], textWidth: Double) -> String {
        var canvas = SVGCanvas(width: 340)
        canvas.advance(12)
        canvas.bars(bars, labelWidth: 92, textWidth: textWidth, margin: 0)
        canvas.advance(-8)
        return "<div class=\"panel\"><h3>\(Markup.escape(title))</h3>\(canvas.svg(label: title))</div>\n"
    }

    /// Contenders with the same path stand together.
    private static func paths(_ result: ComparisonReport.CaseResult) -> String {
        var names: [(path: String, contenders: [String])] = []
        for contender in result.contenders {
            let path = contender.path.text
            if let index = names.firstIndex(where: { $0.path == path }) {
                names[index].contenders.append(contender.contender.title)
            } else {
                names.append((path, [contender.contender.title]))
            }
        }
        let faults = result.contenders.map {
            "\($0.contender.title) \(Format.significant($0.pageFaultsPerRequest.median))"
        }.joined(separator: ", ")
        let items = names.map {
            "<li><b>\(Markup.escape($0.contenders.joined(separator: "; ")))</b>: \(Markup.escape($0.path))</li>\n"
        }.joined()
        return "<p class=\"note\">Paths taken, by the server's own count:</p><ul class=\"note\">\n\(items)"
            + "<li>page faults per request: \(Markup.escape(faults))</li>\n</ul>\n"
    }

    private var machine: String {
        let machine = report.machine
        var facts = [
            ("Processor", "\(machine.processor), \(Format.count(machine.processorCount, "processor")) used"),
            ("Memory", Format.byteCount(machine.memoryByteCount)), ("System", "\(machine.system), \(machine.cLibrary)"),
            ("mimalloc", machine.mimalloc ?? "not installed"), ("Placement", machine.placement.text),
            (
                "Method",
                """
                \(Format.count(report.rounds, "round")) of \(Format.decimal(report.durationSeconds, places: 2)) s after \
                \(Format.decimal(report.warmupSeconds, places: 2)) s of warm-up, contenders taking turns, a fresh server each \
                time, every byte verified. Medians; a difference is a ratio whose 95 % interval (bootstrap over rounds) does \
                not cover 1.
                """
            ),
        ]
        for contender in [Contender.mallocTuned] {
            let variables = contender.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            facts.append((contender.title, variables.joined(separator: " ")))
        }
        if let files = report.files {
            facts.append(("Files", "each read for each request; on \(files.fileSystem ?? "an unknown file system")"))
        }
        let items = facts.map { "<dt>\(Markup.escape($0.0))</dt><dd>\(Markup.escape($0.1))</dd>\n" }.joined()
        return "<h2>Machine and method</h2>\n<dl class=\"note\">\n\(items)</dl>\n"
    }

    private var figures: String {
        guard !report.cases.isEmpty else { return "" }
        return
            "<details><summary>All figures</summary><pre>\(Markup.escape(ComparisonTable(report).text))</pre></details>\n"
    }
}
