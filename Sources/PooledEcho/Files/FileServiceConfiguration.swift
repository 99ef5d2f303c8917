import HTTP1

/// What a file server allows and shows.
struct FileServiceConfiguration: Sendable {
    var engine = FileEngine.auto
    /// Bytes of a response's file that one block takes at most.
    var blockByteCount = FilesConfiguration.defaultBlockByteCount
    /// The same for reads past the page cache, each of which goes to the disk.
    var directBlockByteCount = FilesConfiguration.defaultDirectBlockByteCount
    /// Of any block.
    var maxBlockByteCount: Int { max(blockByteCount, directBlockByteCount) }
    /// From so many bytes on, what is not in the page cache is read past it.
    var directByteCount = FilesConfiguration.defaultDirectByteCount
    /// From so many bytes on, also when that is asked for again at once: the page cache would drop much else for it.
    var everDirectByteCount = 64 << 20
    /// A response that needs so many bytes of its file looks at the file again before its end: a shorter one is over before
    /// anybody could.
    var checkedByteCount = 1 << 20
    var headLimits = HeadLimits()
    /// Whether names that begin with a dot are served, and listed.
    var servesDotfiles = false
    /// Whether directories without index.html are listed.
    var listsDirectories = false
    /// As long as a request's head may take from its first byte on.
    var headSeconds = 10.0
    /// A peer that takes less than that of what it is sent is cut; 0 for no such limit.
    var minBytesPerSecond = 1000
    /// As much time it has beyond what its bytes take: the kernels' own buffers hide its pace.
    var slowGraceSeconds = 10.0
    /// Paths that are kept open at most, of one reactor.
    var openFileCount = 1024
    /// For so long at most a path is not looked at again; 0: it always is.
    var cacheSeconds = 1.0
    /// Memory for responses that are kept, of one reactor.
    var maxKeptByteCount = 8 << 20

    /// As long as a connection waits for its peer's end of stream after its last response.
    static let lingerSeconds = 2.0

    /// From tick to tick. All of the service's times are counted in ticks: short enough for the shortest of them.
    var tickSeconds: Double {
        var shortest = min(1, headSeconds)
        if cacheSeconds > 0 { shortest = min(shortest, cacheSeconds) }
        return max(0.01, shortest / 4)
    }

    /// As many ticks as are surely over after `seconds`.
    func ticks(_ seconds: Double) -> Int { Int((seconds / tickSeconds).rounded(.up)) }
}
