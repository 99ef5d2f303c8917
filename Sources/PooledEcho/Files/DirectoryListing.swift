import Glibc
import HTTP1

/// The listing of a directory, to be read by people or programs.
struct DirectoryListing {
    struct Entry {
        enum Kind: String {
            case directory
            case file
            case link
        }

        let name: [UInt8]
        let kind: Kind
        /// Bytes of a file.
        let byteCount: Int
        /// Seconds since 1970.
        let modified: Int

        /// Nil for what is not served: devices, pipes, sockets.
        init?(name: [UInt8], status: stat) {
            switch status.st_mode & S_IFMT {
            case S_IFDIR: kind = .directory
            case S_IFREG: kind = .file
            case S_IFLNK: kind = .link
            default: return nil
            }
            self.name = name
            byteCount = Int(status.st_size)
            modified = status.st_mtim.tv_sec
        }

        func precedes(_ other: Entry) -> Bool {
            guard (kind == .directory) == (other.kind == .directory) else { return kind == .directory }
            return name.lexicographicallyPrecedes(other.name)
        }
    }

    let entries: [Entry]
    /// There are more.
    let isCut: Bool

    func text(_ format: ListingFormat) -> [UInt8] {
        switch format {
        case .html: html
        case .json: json
        }
    }

    // MARK: HTML

    private static let style = """
        body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color-scheme:light dark}
        table{border-collapse:collapse;width:100%}th,td{padding:.25rem .75rem;text-align:left}
        td:nth-child(n+2),th:nth-child(n+2){text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
        tr:nth-child(even){background:#8881}a{overflow-wrap:anywhere}
        """

    /// It names no path: the browser shows that, and links are relative.
    private var html: [UInt8] {
        var text = Array(
            """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>Directory listing</title><style>\(Self.style)</style></head><body>
            <table><thead><tr><th>Name</th><th>Bytes</th><th>Modified (UTC)</th></tr></thead><tbody>
            <tr><td><a href="../">../</a></td><td></td><td></td></tr>

            """.utf8)
        for entry in entries {
            let slash = entry.kind == .directory ? "/" : ""
            // A relative link may not begin with what reads as a scheme.
            text += Array("<tr><td><a href=\"./".utf8) + Self.escaped(link: entry.name) + Array("\(slash)\">".utf8)
            text += Self.escaped(html: entry.name) + Array("\(slash)</a></td><td>".utf8)
            if entry.kind == .file { text += Array(String(entry.byteCount).utf8) }
            text += Array("</td><td>".utf8) + Self.time(entry.modified) + Array("</td></tr>\n".utf8)
        }
        text += Array("</tbody></table>".utf8)
        if isCut { text += Array("<p>There are more than these \(entries.count) entries.</p>".utf8) }
        return text + Array("</body></html>\n".utf8)
    }

    private static func escaped(link name: [UInt8]) -> [UInt8] {
        [UInt8](capacity: 3 * name.count) { _ = unsafe Escaping.append(percentEncoding: name.span.bytes, to: &$0) }
    }

    private static func escaped(html name: [UInt8]) -> [UInt8] {
        [UInt8](capacity: 6 * name.count) { _ = unsafe Escaping.append(html: name.span.bytes, to: &$0) }
    }

    /// `1994-11-06 08:49`
    private static func time(_ seconds: Int) -> [UInt8] {
        let parts = HTTPDate(secondsSinceEpoch: seconds).components
        func digits(_ number: Int, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        return Array(
            "\(digits(parts.year, 4))-\(digits(parts.month, 2))-\(digits(parts.day, 2)) \(digits(parts.hour, 2)):\(digits(parts.minute, 2))"
                .utf8)
    }

    // MARK: JSON

    /// An object with the entries, and whether there are more. Names that are not UTF-8 are repaired.
    private var json: [UInt8] {
        var text = Array("{\"entries\":[".utf8)
        for (index, entry) in entries.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            text += Array("\n{\"name\":\"".utf8) + Self.escaped(json: entry.name)
            text += Array("\",\"type\":\"\(entry.kind.rawValue)\"".utf8)
            if entry.kind == .file { text += Array(",\"size\":\(entry.byteCount)".utf8) }
            text += Array(",\"modified\":\(entry.modified)}".utf8)
        }
        return text + Array("\n],\"truncated\":\(isCut)}\n".utf8)
    }

    private static func escaped(json name: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        for byte in String(decoding: name, as: UTF8.self).utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                text += Array("\\u00\(digits.count == 1 ? "0" : "")\(digits)".utf8)
            default: text.append(byte)
            }
        }
        return text
    }
}
