import HTTP1

/// The configuration of a file server, beyond the configuration of every server.
package struct FilesConfiguration: Sendable {
    /// The directory that is served.
    package var root: String
    package var engine = FileEngine.auto
    /// With `auto`, requests for at least this many bytes are read past the page cache if the bytes are not in it.
    package var directByteCount = Self.defaultDirectByteCount
    /// Maximum bytes of a file per block: through the page cache, and past it.
    package var blockByteCount = Self.defaultBlockByteCount
    package var directBlockByteCount = Self.defaultDirectBlockByteCount
    /// A file that gets a line for each request; nil for none.
    package var accessLogPath: String?
    /// Refuse a request with a larger head, in bytes.
    package var maxHeadByteCount = 16 * 1024
    /// Seconds from a request head's first byte in which the head must be complete.
    package var headSeconds = 10.0
    /// Cut a peer that takes fewer bytes of a response per second; 0 for no limit.
    package var minBytesPerSecond = 1000
    /// Maximum paths that the process keeps open.
    package var openFileCount = 2048
    /// Check a cached path again after this many seconds; 0 to check on every request.
    package var cacheSeconds = 1.0
    /// Maximum bytes of responses that the process caches.
    package var cacheByteCount = 16 << 20
    /// Whether names that begin with a dot are served, and listed.
    package var servesDotfiles = false
    /// Whether directories without index.html are listed.
    package var listsDirectories = false
    /// Maximum entries of a listing.
    package var maxListingEntryCount = 10_000

    // `Benchmarks/engines` measures the best values; docs/BENCHMARKS.md has the tables.

    /// Past the page cache, cold files of 1 MiB cost 0.4 to 0.6 of the CPU time, and are read faster. Smaller ones
    /// gain less, and their next request costs half as much again as it would from the page cache.
    package static let defaultDirectByteCount = 1 << 20
    /// 512 KiB cost less for one client, with twice the memory per connection. No gain was shown for many clients.
    package static let defaultBlockByteCount = 256 * 1024
    /// Larger, because a read past the page cache waits for the disk: 256 KiB cost a quarter more, at about 0.6 of
    /// the rate.
    package static let defaultDirectBlockByteCount = 1 << 20

    package init(root: String) { self.root = root }

    // Values without an option.

    /// A request for at least this many bytes is read past the page cache even if it is repeated soon, because the
    /// page cache would drop much else for it.
    static let alwaysDirectByteCount = 64 << 20
    /// A response that needs at least this many bytes checks its file again before its end. A shorter one is over
    /// before the file is likely to change.
    var checkedByteCount = 1 << 20
    /// Seconds of grace for a slow reader, because the kernels' own buffers hide its rate.
    var slowGraceSeconds = 10.0
    /// How long a connection waits for its peer's end of stream after its last response.
    static let lingerSeconds = 2.0

    var headLimits: HeadLimits {
        HeadLimits(headByteCount: maxHeadByteCount, targetByteCount: min(8 * 1024, maxHeadByteCount))
    }

    /// The grain of all times, in seconds: short enough for the shortest of them.
    var tickSeconds: Double {
        var shortest = min(1, headSeconds)
        if cacheSeconds > 0 { shortest = min(shortest, cacheSeconds) }
        return max(0.01, shortest / 4)
    }
}

/// How a file is read.
package enum FileEngine: String, Sendable, CaseIterable {
    /// Through the page cache, except large files that are not in it.
    case auto
    /// Through the page cache.
    case buffered
    /// Past it (`O_DIRECT`), where the file system allows that.
    case direct
}
