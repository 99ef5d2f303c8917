/// Columns of figures aligned to the right, in plain text; and figures as people read them. Without Foundation.
struct TextTable {
    private var lines: [[String]]

    init(_ header: [String]) { lines = [header] }

    /// A line: its name, and its figures.
    mutating func add(_ name: String, _ figures: [Int]) { lines.append([name] + figures.map(TextTable.grouped)) }

    /// The lines, each column as wide as its widest entry.
    var text: String {
        let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            zip(line, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    /// Digits in groups of three: 1,234,567.
    static func grouped(_ number: Int) -> String {
        var text = ""
        for (index, digit) in String(number.magnitude).reversed().enumerated() {
            if index > 0, index % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (number < 0 ? "-" : "") + String(text.reversed())
    }

    /// In the largest unit that leaves 1 or more, cut after one decimal: 64 KiB, 2.5 MiB.
    static func bytes(_ byteCount: Int) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var (unit, unitByteCount) = (0, 1)
        while unit < units.count - 1, byteCount.magnitude / UInt(unitByteCount) >= 1024 {
            unit += 1
            unitByteCount *= 1024
        }
        // The decimal of what is left of a unit, which is too small to overflow.
        let tenths = abs(byteCount % unitByteCount) * 10 / unitByteCount
        let whole = grouped(byteCount / unitByteCount)
        return tenths == 0 ? "\(whole) \(units[unit])" : "\(whole).\(tenths) \(units[unit])"
    }

    /// With one decimal, cut and not rounded: 100.0 % is all.
    static func percentage(_ part: Int, of whole: Int) -> String {
        let permille = Int(Double(part) / Double(whole) * 1000)
        return "\(permille / 10).\(permille % 10) %"
    }
}
