/// What HTML and SVG have in common.
enum Markup {
    /// Text as it may stand between tags and in quoted attributes.
    static func escape(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.append(character)
            }
        }
        return escaped
    }

    /// A coordinate, to a tenth.
    static func number(_ value: Double) -> String {
        let text = Format.decimal(value, places: 1)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// The colours of charts and pages, light and dark.
    static let colours = """
        :root{--ground:#fff;--panel:#f6f7f9;--ink:#1b1f24;--soft:#57606a;--line:#d5d9de;--pool:#0b7f6f;\
        --malloc:#c2571a;--other:#7b8794}
        @media(prefers-color-scheme:dark){:root{--ground:#12161b;--panel:#1b2027;--ink:#e7ebf0;--soft:#a2acb8;\
        --line:#343c46;--pool:#35b8a4;--malloc:#ee8d54;--other:#8894a2}}

        """

    /// How the parts of a chart look.
    static let chartStyle = """
        .chart text{white-space:pre;font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--ink)}
        .chart .head{font-weight:600;font-size:13px}.chart .title{font-weight:700;font-size:16px}
        .chart .soft{fill:var(--soft)}.chart .pool{fill:var(--pool)}.chart .malloc{fill:var(--malloc)}
        .chart .other{fill:var(--other)}.chart .faint{opacity:.45}.chart .whisker{stroke:var(--ink);stroke-width:1.2}
        .chart .gain{fill:var(--pool);font-weight:600}.chart .loss{fill:var(--malloc);font-weight:600}
        .chart .ground{fill:var(--ground)}

        """
}

/// The elements of an SVG picture, from the top down.
struct SVGCanvas {
    let width: Double
    private(set) var height = 0.0
    private var elements = ""

    init(width: Double) { self.width = width }

    /// Moves the place of what comes next down.
    mutating func advance(_ distance: Double) { height += distance }

    mutating func text(_ text: String, x: Double, style: String = "") {
        let style = style.isEmpty ? "" : " class=\"\(style)\""
        elements +=
            "<text x=\"\(Markup.number(x))\" y=\"\(Markup.number(height))\"\(style)>\(Markup.escape(text))</text>\n"
    }

    /// Words in styles of their own, which end at `x`.
    mutating func text(_ words: [(text: String, style: String)], endingAt x: Double) {
        let spans = words.map { "<tspan class=\"\($0.style)\">\(Markup.escape($0.text))</tspan>" }
        elements +=
            "<text x=\"\(Markup.number(x))\" y=\"\(Markup.number(height))\" text-anchor=\"end\">"
            + "\(spans.joined(separator: "<tspan class=\"soft\"> · </tspan>"))</text>\n"
    }

    mutating func rectangle(x: Double, y: Double, width: Double, height: Double, style: String) {
        elements +=
            "<rect x=\"\(Markup.number(x))\" y=\"\(Markup.number(y))\" width=\"\(Markup.number(width))\" "
            + "height=\"\(Markup.number(height))\" rx=\"2\" class=\"\(style)\"/>\n"
    }

    mutating func whisker(from low: Double, to high: Double, y: Double) {
        let (low, high, y) = (Markup.number(low), Markup.number(high), Markup.number(y))
        elements += "<path d=\"M\(low) \(y)H\(high)\" class=\"whisker\"/>\n"
    }

    /// - Parameters:
    ///   - label: What it shows, for who can't see it.
    ///   - style: A style sheet for a file of its own; nil within a page, which has one.
    func svg(label: String, style: String? = nil) -> String {
        let size = "viewBox=\"0 0 \(Markup.number(width)) \(Markup.number(height))\""
        let own = style.map {
            """
             xmlns="http://www.w3.org/2000/svg" width="\(Markup.number(width))" height="\(Markup.number(height))">
            <style>\($0)</style>
            <rect width="100%" height="100%" rx="8" class="ground"/
            """
        }
        return "<svg class=\"chart\" role=\"img\" aria-label=\"\(Markup.escape(label))\" \(size)\(own ?? "")>\n"
            + elements + "</svg>\n"
    }
}

/// One bar of a chart, its length by its value.
struct Bar {
    let label: String
    let value: Double
    /// The range of the rounds.
    let range: ClosedRange<Double>?
    /// What stands behind it.
    let text: String
    let style: String
    /// A part of the bar that is drawn darker than the rest.
    var part: Double?

    static func style(of contender: Contender) -> String {
        contender.usesPool ? "pool" : contender == .malloc ? "malloc" : "other"
    }
}

extension SVGCanvas {
    /// Bars under each other, the longest as wide as there is room.
    mutating func bars(_ bars: [Bar], labelWidth: Double, textWidth: Double, margin: Double) {
        let longest = bars.map { max($0.value, $0.range?.upperBound ?? 0) }.max() ?? 0
        let start = margin + labelWidth
        let room = width - start - textWidth - margin
        for bar in bars {
            func end(_ value: Double) -> Double { start + (longest > 0 ? value / longest * room : 0) }
            text(bar.label, x: margin, style: "soft")
            let top = height - 10.5
            rectangle(
                x: start, y: top, width: max(1, end(bar.value) - start), height: 12,
                style: bar.part == nil ? bar.style : bar.style + " faint")
            if let part = bar.part {
                rectangle(x: start, y: top, width: max(1, end(part) - start), height: 12, style: bar.style)
            }
            if let range = bar.range, range.upperBound > range.lowerBound {
                whisker(from: end(range.lowerBound), to: end(range.upperBound), y: top + 6)
            }
            text(bar.text, x: end(max(bar.value, bar.range?.upperBound ?? 0)) + 6)
            advance(18)
        }
    }
}
