import HTTP1

/// What a file server is asked to be, beside what every server is.
package struct FilesConfiguration: Sendable {
    /// The directory that is served.
    package var root: String
    package var engine = FileEngine.auto
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

    package init(root: String) { self.root = root }

    /// The part of a reactor that may keep so many paths open, and responses in so much memory.
    func service(openFileCount: Int, keptByteCount: Int) -> FileServiceConfiguration {
        var service = FileServiceConfiguration()
        service.headLimits = HeadLimits(
            headByteCount: maxHeadByteCount, targetByteCount: min(8 * 1024, maxHeadByteCount))
        service.engine = engine
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
