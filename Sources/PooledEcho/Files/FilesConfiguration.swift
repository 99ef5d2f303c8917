import HTTP1

/// What a file server is asked to be, beside what every server is.
package struct FilesConfiguration: Sendable {
    /// The directory that is served.
    package var root: String
    package var engine = FileEngine.auto
    /// With `auto`: from so many bytes on, what is not in the page cache is read past it.
    package var directByteCount = Self.defaultDirectByteCount
    /// Bytes of a response's file that one block takes at most, and one that is read past the page cache.
    package var blockByteCount = Self.defaultBlockByteCount
    package var directBlockByteCount = Self.defaultDirectBlockByteCount
    /// A file that gets a line for each request; nil for none.
    package var accessLogPath: String?
    /// Bytes of a request's head: past them it is refused.
    package var maxHeadByteCount = 16 * 1024
    /// As long as a request's head may take from its first byte on.
    package var headSeconds = 10.0
    /// A peer that takes less than that of what it is sent is cut; 0 for no such limit.
    package var minBytesPerSecond = 1000
    /// Paths that are kept open, of the process.
    package var openFileCount = 2048
    /// For so long at most a path is not looked at again; 0: it always is.
    package var cacheSeconds = 1.0
    /// Memory for responses that are kept to be sent again, of the process.
    package var cacheByteCount = 16 << 20
    /// Whether names that begin with a dot are served, and listed.
    package var servesDotfiles = false
    /// Whether directories without index.html are listed.
    package var listsDirectories = false
    /// Entries of a listing.
    package var maxListingEntryCount = 10_000

    // `Benchmarks/engines` measures what they should be, docs/BENCHMARKS.md has the tables.

    /// Cold files of 1 MiB cost 0.4 to 0.6 of the CPU time past the page cache, and come faster. Smaller ones gain less, and then
    /// cost half as much again as if the page cache had them by now.
    package static let defaultDirectByteCount = 1 << 20
    /// 512 KiB cost less for one client, for twice the memory a connection; that it holds for many is not shown.
    package static let defaultBlockByteCount = 256 * 1024
    /// A read past the page cache waits for the disk, which is why it is larger: 256 KiB cost a quarter more, and come at about
    /// 0.6 of the rate.
    package static let defaultDirectBlockByteCount = 1 << 20

    package init(root: String) { self.root = root }

    // What is not asked for.

    /// From this many bytes on, a file is read past the page cache also when it is asked for again at once: the page cache would
    /// drop much else for it.
    static let alwaysDirectByteCount = 64 << 20
    /// A response that needs this many bytes of its file looks at the file again before its end. A shorter one is over before
    /// anybody could change the file.
    var checkedByteCount = 1 << 20
    /// The time that a slow reader has beyond what its bytes take: the kernels' own buffers hide its pace.
    var slowGraceSeconds = 10.0
    /// How long a connection waits for its peer's end of stream after its last response.
    static let lingerSeconds = 2.0

    var headLimits: HeadLimits {
        HeadLimits(headByteCount: maxHeadByteCount, targetByteCount: min(8 * 1024, maxHeadByteCount))
    }

    /// The grain of all times: short enough for the shortest of them.
    var tickSeconds: Double {
        var shortest = min(1, headSeconds)
        if cacheSeconds > 0 { shortest = min(shortest, cacheSeconds) }
        return max(0.01, shortest / 4)
    }
}

/// How the bytes of a file come into memory.
package enum FileEngine: String, Sendable, CaseIterable {
    /// Through the page cache, except large files that are not in it.
    case auto
    /// Through the page cache.
    case buffered
    /// Past it (`O_DIRECT`), where the file system allows that.
    case direct
}
