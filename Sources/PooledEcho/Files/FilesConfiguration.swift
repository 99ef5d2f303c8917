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

    /// The part of a reactor that may keep so many paths open, and responses in so much memory.
    func service(openFileCount: Int, keptByteCount: Int) -> FileServiceConfiguration {
        var service = FileServiceConfiguration()
        service.headLimits = HeadLimits(
            headByteCount: maxHeadByteCount, targetByteCount: min(8 * 1024, maxHeadByteCount))
        service.engine = engine
        service.directByteCount = directByteCount
        service.blockByteCount = blockByteCount
        service.directBlockByteCount = directBlockByteCount
        service.servesDotfiles = servesDotfiles
        service.listsDirectories = listsDirectories
        service.headSeconds = headSeconds
        service.minBytesPerSecond = minBytesPerSecond
        service.openFileCount = openFileCount
        service.cacheSeconds = cacheSeconds
        service.maxKeptByteCount = keptByteCount
        return service
    }
}
