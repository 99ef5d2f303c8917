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

        let name: String
        /// The name as a link has it.
        let link: String
        let kind: Kind
        /// Bytes of a file.
        let byteCount: Int
        /// Seconds since 1970.
        let modified: Int

        /// Nil for what is not served: names that are hidden, or that no target can have, since they are not UTF-8 for instance;
        /// devices, pipes, sockets.
        init?(name: [UInt8], status: stat, showsDotfiles: Bool) {
            switch status.st_mode & S_IFMT {
            case S_IFDIR: kind = .directory
            case S_IFREG: kind = .file
            case S_IFLNK: kind = .link
            default: return nil
            }
            let link = [UInt8](capacity: 3 * name.count) {
                _ = unsafe Escaping.append(percentEncoding: name.span.bytes, to: &$0)
            }
            let target = [UInt8(ascii: "/")] + link
            var outcome: RequestPath.Outcome?
            _ = [UInt8](capacity: target.count) {
                outcome = unsafe RequestPath.append(decoding: target.span.bytes, to: &$0)
            }
            guard case .decoded(let decoded) = outcome, showsDotfiles || !decoded.hasHiddenSegment else { return nil }
            self.name = String(decoding: name, as: UTF8.self)
            self.link = String(decoding: link, as: UTF8.self)
            byteCount = Int(status.st_size)
            modified = status.st_mtim.tv_sec
        }

        func precedes(_ other: Entry) -> Bool {
            guard (kind == .directory) == (other.kind == .directory) else { return kind == .directory }
            return name.utf8.lexicographicallyPrecedes(other.name.utf8)
        }
    }

    let entries: [Entry]
    /// There are more.
    let isCut: Bool

    func text(_ format: ListingFormat) -> String {
        switch format {
        case .html: html
        case .json: json
        }
    }

    // MARK: HTML

    /// Where there is little room, each row is two lines: the name, and what is known of it.
    private static let style = """
        :root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:1rem auto;max-width:60rem;padding:0 .5rem}
        table{border-collapse:collapse;width:100%}th,td{padding:.25rem .5rem;text-align:left;vertical-align:baseline}
        td+td,th+th{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
        tr:nth-child(even){background:#8882}a{overflow-wrap:anywhere}bdi{white-space:pre-wrap}
        @media(max-width:40rem){thead{display:none}tr{display:grid;grid-template-columns:1fr 10rem;padding:.25rem 0}
        td{padding:0 .5rem}td:first-child{grid-column:1/3}td+td{opacity:.7}td:nth-child(2):not(:empty)::after{content:" bytes"}}
        """

    /// It names no path: the browser shows that, and links are relative.
    private var html: String {
        var text = """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>Directory listing</title><style>\(Self.style)</style></head><body>
            <table><thead><tr><th>Name</th><th>Bytes</th><th>Modified (UTC)</th></tr></thead><tbody>
            <tr><td><a href="../">../</a></td><td></td><td></td></tr>

            """
        for entry in entries {
            let slash = entry.kind == .directory ? "/" : ""
            // A relative link may not begin with what reads as a scheme. What is written from right to left stays on its side of
            // the slash.
            text +=
                "<tr><td><a href=\"./\(entry.link)\(slash)\"><bdi>\(Escaping.html(entry.name))</bdi>\(slash)</a></td>"
            text += "<td>\(entry.kind == .file ? Self.grouped(entry.byteCount) : "")</td>"
            text += "<td>\(Self.time(entry.modified))</td></tr>\n"
        }
        text += "</tbody></table>"
        if isCut { text += "<p>There are more than these \(Self.grouped(entries.count)) entries.</p>" }
        return text + "</body></html>\n"
    }

    /// `1,234,567`
    private static func grouped(_ number: Int) -> String {
        var text = String(number)
        for digitCount in stride(from: 3, to: text.count, by: 3) {
            text.insert(",", at: text.index(text.endIndex, offsetBy: -digitCount - (digitCount / 3 - 1)))
        }
        return text
    }

    /// `1994-11-06 08:49`
    private static func time(_ seconds: Int) -> String {
        let parts = HTTPDate(secondsSinceEpoch: seconds).components
        func digits(_ number: Int, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        return
            "\(digits(parts.year, 4))-\(digits(parts.month, 2))-\(digits(parts.day, 2)) \(digits(parts.hour, 2)):\(digits(parts.minute, 2))"
    }

    // MARK: JSON

    /// An object with the entries, and whether there are more.
    private var json: String {
        let lines = entries.map { entry in
            let size = entry.kind == .file ? ",\"size\":\(entry.byteCount)" : ""
            return
                "\n{\"name\":\"\(Escaping.json(entry.name))\",\"type\":\"\(entry.kind.rawValue)\"\(size),\"modified\":\(entry.modified)}"
        }
        return "{\"entries\":[\(lines.joined(separator: ","))\n],\"truncated\":\(isCut)}\n"
    }
}

/// What a listing is written as.
enum ListingFormat: Sendable {
    case html
    case json
}
