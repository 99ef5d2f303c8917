/// One load under which the contenders are compared as file servers: a file of some size, in the page cache or not.
struct FileCase: Hashable, Sendable, Encodable {
    enum PageCache: String, Sendable, Encodable {
        /// The whole file is in it.
        case hot
        /// The file is dropped from it before each request, of which there is one at a time.
        case cold
    }

    static let defaults = [
        FileCase(connections: 64, fileByteCount: 4 << 10, pageCache: .hot),
        FileCase(connections: 64, fileByteCount: 64 << 10, pageCache: .hot),
        FileCase(connections: 16, fileByteCount: 1 << 20, pageCache: .hot),
        FileCase(connections: 1, fileByteCount: 256 << 20, pageCache: .cold),
    ]

    let connections: Int
    let fileByteCount: Int
    let pageCache: PageCache

    var title: String {
        "\(Format.count(connections, "connection")) × file of \(Format.byteCount(fileByteCount)), \(pageCache.rawValue)"
    }
}
