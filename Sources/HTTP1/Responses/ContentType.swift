/// A media type, as `Content-Type` says it.
package struct ContentType: Sendable {
    package let text: StaticString

    package init(_ text: StaticString) { self.text = text }

    package static let octetStream = ContentType("application/octet-stream")
    package static let plainText = ContentType("text/plain; charset=utf-8")
    package static let html = ContentType("text/html; charset=utf-8")
    package static let json = ContentType("application/json")

    /// The type of a file by the extension of its name, in either case; `octetStream` where that says nothing.
    /// - Parameter name: A name or a path.
    package init(ofFile name: RawSpan) {
        var key: UInt64 = 0
        var offset = name.byteCount
        while offset > 0, name[offset - 1] != UInt8(ascii: ".") {
            offset -= 1
            // No extension that is known is longer than a word.
            guard name[offset] != UInt8(ascii: "/"), name.byteCount - offset <= 8 else {
                self = .octetStream
                return
            }
            key |= UInt64(name[offset].lowercased) << UInt64(8 * (name.byteCount - offset - 1))
        }
        // A name without a dot has no extension, and neither has one that begins with its only dot.
        let hasName = offset > 1 && name[offset - 2] != UInt8(ascii: "/")
        self = (hasName ? Self.known[key] : nil) ?? .octetStream
    }

    /// Types by extension, which is a key of up to eight bytes, the last in the lowest bits. Made when it is first asked for.
    static let known: [UInt64: ContentType] = {
        var types: [UInt64: ContentType] = [:]
        for (extensions, type) in table {
            for name in extensions.split(separator: " ") {
                let key = name.utf8.reduce(into: UInt64(0)) { $0 = $0 << 8 | UInt64($1) }
                precondition(types.updateValue(ContentType(type), forKey: key) == nil, "\(name) has two types")
            }
        }
        return types
    }()

    /// By the registry of media types (RFC 6838), or by what browsers expect.
    private static let table: [(extensions: String, type: StaticString)] = [
        ("html htm", "text/html; charset=utf-8"),
        ("xhtml", "application/xhtml+xml"),
        ("css", "text/css; charset=utf-8"),
        ("js mjs", "text/javascript; charset=utf-8"),
        ("txt text log conf ini sh c h cc cpp hpp swift py rs go java", "text/plain; charset=utf-8"),
        ("md markdown", "text/markdown; charset=utf-8"),
        ("csv", "text/csv; charset=utf-8"),
        ("tsv", "text/tab-separated-values; charset=utf-8"),
        ("ics", "text/calendar; charset=utf-8"),
        ("vtt", "text/vtt; charset=utf-8"),
        ("json map", "application/json"),
        ("jsonld", "application/ld+json"),
        ("ndjson jsonl", "application/x-ndjson"),
        ("geojson", "application/geo+json"),
        ("yaml yml", "application/yaml"),
        ("toml", "application/toml"),
        ("xml xsd xsl", "application/xml"),
        ("atom", "application/atom+xml"),
        ("rss", "application/rss+xml"),
        ("pdf", "application/pdf"),
        ("ps eps", "application/postscript"),
        ("rtf", "application/rtf"),
        ("epub", "application/epub+zip"),
        ("doc", "application/msword"),
        ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("xls", "application/vnd.ms-excel"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("ppt", "application/vnd.ms-powerpoint"),
        ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ("odt", "application/vnd.oasis.opendocument.text"),
        ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
        ("odp", "application/vnd.oasis.opendocument.presentation"),
        ("sqlite", "application/vnd.sqlite3"),
        ("wasm", "application/wasm"),
        ("zip", "application/zip"),
        ("gz tgz", "application/gzip"),
        ("bz2", "application/x-bzip2"),
        ("xz", "application/x-xz"),
        ("zst", "application/zstd"),
        ("7z", "application/x-7z-compressed"),
        ("rar", "application/vnd.rar"),
        ("tar", "application/x-tar"),
        ("deb", "application/vnd.debian.binary-package"),
        ("rpm", "application/x-rpm"),
        ("jar", "application/java-archive"),
        ("apk", "application/vnd.android.package-archive"),
        ("iso", "application/x-iso9660-image"),
        ("torrent", "application/x-bittorrent"),
        ("png", "image/png"),
        ("apng", "image/apng"),
        ("jpg jpeg", "image/jpeg"),
        ("gif", "image/gif"),
        ("webp", "image/webp"),
        ("avif", "image/avif"),
        ("heic", "image/heic"),
        ("jxl", "image/jxl"),
        ("bmp", "image/bmp"),
        ("tif tiff", "image/tiff"),
        ("svg", "image/svg+xml"),
        ("ico", "image/vnd.microsoft.icon"),
        ("mp3", "audio/mpeg"),
        ("m4a", "audio/mp4"),
        ("aac", "audio/aac"),
        ("flac", "audio/flac"),
        ("wav", "audio/wav"),
        ("oga ogg opus", "audio/ogg"),
        ("weba", "audio/webm"),
        ("mid midi", "audio/midi"),
        ("mp4 m4v", "video/mp4"),
        ("webm", "video/webm"),
        ("ogv", "video/ogg"),
        ("mov", "video/quicktime"),
        ("mkv", "video/matroska"),
        ("avi", "video/vnd.avi"),
        ("mpg mpeg", "video/mpeg"),
        ("ts", "video/mp2t"),
        ("m3u8", "application/vnd.apple.mpegurl"),
        ("mpd", "application/dash+xml"),
        ("woff", "font/woff"),
        ("woff2", "font/woff2"),
        ("ttf", "font/ttf"),
        ("otf", "font/otf"),
    ]
}

/// How much a client wants one media type, by its Accept fields (RFC 9110, 12.5.1).
///
/// The most specific range that has the type counts: `text/html` before `text/*` before `*/*`. Parameters but `q` are passed over, and
/// so is an element that is not as it should be: a preference is no reason to refuse a request.
package struct MediaQuality {
    private let type: [UInt8]
    private let anySubtype: [UInt8]
    private var specificity = 0
    private var thousandths = 0
    private var isEmpty = true

    /// For a type in lower case, such as `text/html`.
    package init(of type: String) {
        self.type = Array(type.utf8)
        anySubtype = self.type.prefix { $0 != UInt8(ascii: "/") } + Array("/*".utf8)
    }

    /// As a quality in thousandths: 1,000 for what is wanted most, 0 for what is not. Who sends no Accept wants all alike.
    package var value: Int { isEmpty ? 1000 : thousandths }

    /// Whether this type is wanted more than `other`; of two that are wanted alike, the one that is named.
    package func isAbove(_ other: MediaQuality) -> Bool {
        (value, specificity) > (other.value, other.specificity)
    }

    /// Takes the value of one Accept field into account. Allocates: it is for what is negotiated, not for each request.
    package mutating func add(_ fieldValue: RawSpan) {
        isEmpty = false
        let bytes = (0..<fieldValue.byteCount).map { fieldValue[$0].lowercased }
        for element in bytes.split(separator: UInt8(ascii: ",")) {
            let parts = element.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).map(Self.trimmed)
            let specificity = specificity(of: parts[0])
            guard specificity > self.specificity, let quality = Self.quality(parts.dropFirst()) else { continue }
            self.specificity = specificity
            thousandths = quality
        }
    }

    private func specificity(of range: [UInt8]) -> Int {
        range == type ? 3 : range == anySubtype ? 2 : range == Array("*/*".utf8) ? 1 : 0
    }

    /// 1,000 without a `q`; nil for one that is none: `0` or `1`, and three digits at most behind a point.
    private static func quality(_ parameters: ArraySlice<[UInt8]>) -> Int? {
        guard let parameter = parameters.first(where: { $0.starts(with: "q=".utf8) }) else { return 1000 }
        let text = parameter.dropFirst(2)
        guard let whole = text.first, whole == UInt8(ascii: "0") || whole == UInt8(ascii: "1") else { return nil }
        var value = whole == UInt8(ascii: "1") ? 1000 : 0
        guard text.count > 1 else { return value }
        let digits = text.dropFirst(2)
        guard text.dropFirst().first == UInt8(ascii: "."), digits.count <= 3 else { return nil }
        var unit = 100
        for digit in digits {
            guard let digit = digit.digit else { return nil }
            value += digit * unit
            unit /= 10
        }
        return value <= 1000 ? value : nil
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> [UInt8] {
        Array(text.drop(while: \.isBlank).reversed().drop(while: \.isBlank).reversed())
    }
}
