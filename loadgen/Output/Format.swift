/// Numbers as a person reads them.
enum Format {
    /// `1 connection`, `2,000 connections`.
    static func count(_ count: Int, _ noun: String) -> String {
        "\(grouped(Double(count))) \(noun)\(count == 1 ? "" : "s")"
    }

    /// A whole number with its thousands apart: `181,233`.
    static func grouped(_ value: Double) -> String {
        guard value.isFinite, value.magnitude < 1e15 else { return "\(value)" }
        var digits = String(Int(value.magnitude.rounded()))[...]
        var groups: [Substring] = []
        while digits.count > 3 {
            groups.append(digits.suffix(3))
            digits = digits.dropLast(3)
        }
        groups.append(digits)
        return (value < 0 ? "-" : "") + groups.reversed().joined(separator: ",")
    }

    /// A fixed number of places: `4.91`.
    static func decimal(_ value: Double, places: Int) -> String {
        guard value.isFinite, value.magnitude < 1e12 else { return "\(value)" }
        var scale = 1
        for _ in 0..<places { scale *= 10 }
        let scaled = Int((value.magnitude * Double(scale)).rounded())
        let fraction = String(scaled % scale)
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard places > 0 else { return sign + String(scaled) }
        return sign + String(scaled / scale) + "." + String(repeating: "0", count: places - fraction.count) + fraction
    }

    /// Three significant digits, and all of a whole part: `1.14`, `67.0`, `1,204`.
    static func significant(_ value: Double) -> String {
        switch value.magnitude {
        case ..<9.995: decimal(value, places: 2)
        case ..<99.95: decimal(value, places: 1)
        default: grouped(value)
        }
    }

    /// Microseconds: tenths below 100, whole from there on.
    static func microseconds(_ value: Double) -> String {
        value < 100 ? decimal(value, places: 1) : grouped(value)
    }

    /// `512 B`, `64 KiB`, `1.5 GiB`: exact where a unit divides it.
    static func byteCount(_ count: Int) -> String {
        var value = Double(count)
        var units = ["B", "KiB", "MiB", "GiB", "TiB"][...]
        while value >= 1024, units.count > 1 {
            value /= 1024
            units = units.dropFirst()
        }
        return (value == value.rounded() ? grouped(value) : decimal(value, places: 1)) + " " + units.first!
    }

    /// `92.8 MB/s`: decimal units, as networks are measured.
    static func byteRate(_ bytesPerSecond: Double) -> String {
        switch bytesPerSecond {
        case 1e9...: decimal(bytesPerSecond / 1e9, places: 2) + " GB/s"
        case 1e6...: decimal(bytesPerSecond / 1e6, places: 1) + " MB/s"
        default: decimal(bytesPerSecond / 1e3, places: 1) + " kB/s"
        }
    }
}

/// Text for lines of a limited width.
enum TextWrap {
    /// Breaks at spaces. A word that is wider than a line has one to itself.
    static func wrap(_ text: String, width: Int) -> String {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        if !line.isEmpty { lines.append(line) }
        return lines.map { $0 + "\n" }.joined()
    }

    /// Exactly `width` columns: padded, or cut with an ellipsis.
    static func cell(_ text: String, width: Int, isRight: Bool = false) -> String {
        guard text.count <= width else { return text.prefix(max(0, width - 1)) + "…" }
        let padding = String(repeating: " ", count: width - text.count)
        return isRight ? padding + text : text + padding
    }
}
