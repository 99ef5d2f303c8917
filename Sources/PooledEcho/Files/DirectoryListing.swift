import Glibc
import HTTP1
import Synchronization
import SystemSupport
import ZeroPoolReactor

/// The listing of a directory, to be read by people or programs.
struct DirectoryListing {
    struct Entry {
        enum Kind: String {
            case directory
            case file
            case link
        }

        let name: String
        /// The name, percent-encoded for a link.
        let link: String
        let kind: Kind
        /// Bytes of a file.
        let byteCount: Int
        /// Seconds since 1970.
        let modified: Int

        /// Nil for an entry that is not served: a hidden name, a name that no request target can have (for example
        /// because it is not UTF-8), a device, a pipe or a socket.
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
    /// Whether the directory has more.
    let isCut: Bool

    func text(_ format: ListingFormat) -> String {
        switch format {
        case .html: html
        case .json: json
        }
    }

    // MARK: HTML

    /// On narrow screens, each row is two lines: the name, and the size and time.
    private static let style = """
        :root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:1rem auto;max-width:60rem;padding:0 .5rem}
        table{border-collapse:collapse;width:100%}th,td{padding:.25rem .5rem;text-align:left;vertical-align:baseline}
        td+td,th+th{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
        tr:nth-child(even){background:#8882}a{overflow-wrap:anywhere}bdi{white-space:pre-wrap}
        @media(max-width:40rem){thead{display:none}tr{display:grid;grid-template-columns:1fr 10rem;padding:.25rem 0}
        td{padding:0 .5rem}td:first-child{grid-column:1/3}td+td{opacity:.7}td:nth-child(2):not(:empty)::after{content:" bytes"}}
        """

    /// The page does not contain its path: the browser shows it, and links are relative.
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
            // A relative link must not begin with something that reads as a scheme, hence `./`. `bdi` keeps
            // right-to-left names on their side of the slash.
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

/// The format of a listing.
enum ListingFormat: Sendable {
    case html
    case json
}

/// Makes listings of directories, as files, on a thread of its own: io_uring has no operation that reads a directory,
/// and a slow disk must not delay a reactor.
final class DirectoryLister: Sendable {
    /// An unnamed file that contains the listing.
    private struct Listing: Sendable {
        let descriptor: Int32
        let status: FileStatus
    }

    private struct Failure: Error {
        let errno: Int32
    }

    private let showsDotfiles: Bool
    /// Maximum entries of a listing. The listing says when there are more.
    private let maxEntryCount: Int
    private let threads = BlockingPool(threadLimit: 1)

    init(showsDotfiles: Bool, maxEntryCount: Int) {
        self.showsDotfiles = showsDotfiles
        self.maxEntryCount = maxEntryCount
    }

    /// The listing of an open directory, as a file of `reactor`.
    nonisolated(nonsending) func list(
        _ directory: File, as format: ListingFormat, on reactor: Reactor
    ) async throws(IOError) -> File {
        // The thread closes this descriptor.
        let descriptor = try directory.duplicate()
        let result = try await threads.run { [self] in outcome(of: descriptor, format) }
        switch result {
        case .success(let listing): return File(listing.descriptor, status: listing.status, of: reactor)
        case .failure(let failure): throw IOError(.block, errno: failure.errno)
        }
    }

    private func outcome(of directory: Int32, _ format: ListingFormat) -> Result<Listing, Failure> {
        do throws(Failure) {
            let (entries, isCut) = try entries(of: directory)
            let text = DirectoryListing(entries: entries, isCut: isCut).text(format)
            return .success(try Self.file(of: text))
        } catch {
            return .failure(error)
        }
    }

    /// The entries of a directory in the order of their names, directories first.
    private func entries(of directory: Int32) throws(Failure) -> (entries: [DirectoryListing.Entry], isCut: Bool) {
        guard let stream = unsafe fdopendir(directory) else {
            let errno = errno
            _ = close(directory)
            throw Failure(errno: errno)
        }
        defer { _ = unsafe closedir(stream) }
        var entries: [DirectoryListing.Entry] = []
        var isCut = false
        while let next = unsafe readdir(stream) {
            let name = unsafe Self.name(of: next)
            var status = stat()
            let result = unsafe name.withUnsafeBytes { name in
                unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: name.count + 1) { text in
                    unsafe UnsafeMutableRawBufferPointer(text).copyMemory(from: name)
                    unsafe text[name.count] = 0
                    return unsafe fstatat(directory, text.baseAddress!, &status, AT_SYMLINK_NOFOLLOW)
                }
            }
            // It is gone by now.
            guard result == 0,
                let entry = DirectoryListing.Entry(name: name, status: status, showsDotfiles: showsDotfiles)
            else { continue }
            guard entries.count < maxEntryCount else {
                isCut = true
                break
            }
            entries.append(entry)
        }
        entries.sort { $0.precedes($1) }
        return (entries, isCut)
    }

    private static func name(of entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
        unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
            unsafe Array(bytes.prefix { $0 != 0 })
        }
    }

    private static let nameCount = Atomic<Int>(0)

    /// A file in memory, without a name.
    private static func file(of text: String) throws(Failure) -> Listing {
        let name = "/pooled-echo-\(getpid())-\(nameCount.add(1, ordering: .relaxed).newValue)"
        let descriptor = unsafe shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else { throw Failure(errno: errno) }
        _ = unsafe shm_unlink(name)
        let text = Array(text.utf8)
        var offset = 0
        while offset < text.count {
            let count = unsafe text.withUnsafeBytes { bytes in
                unsafe write(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
            }
            guard count > 0 else {
                let errno = errno
                _ = close(descriptor)
                throw Failure(errno: errno)
            }
            offset += count
        }
        let never = FileStatus.Time(seconds: 0)
        return Listing(
            descriptor: descriptor,
            status: FileStatus(kind: .regular, byteCount: text.count, number: 0, modified: never, changed: never))
    }
}
