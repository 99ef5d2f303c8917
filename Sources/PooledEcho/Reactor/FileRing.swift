package import ZeroPool
package import ZeroPoolURing

/// What a file server needs of a ring beside: operations on files, for connections. Rules of every implementation:
/// - `open`, `list`, `read` and `check` have one event each, and a connection has one of them at a time; a connection is
///   closed only after it. None of them blocks, also when the disk is slow.
/// - What is opened is beneath the root, whatever the path and the links on the way.
/// - A descriptor is the reactor's from `.opened` until `closeFile`, and is closed after its last operation.
package protocol FileRing: ReactorRing {
    /// A buffer for at least `byteCount` bytes; nil when there is none.
    func takeBlock(_ byteCount: Int) -> PooledBuffer?
    /// Opens a file for reading, and asks what it is. `path` is relative and not empty, and is copied.
    /// - Parameter pastCache: whether its reads go past the page cache: then they are aligned.
    func open(_ path: RawSpan, past pastCache: Bool, for connection: ConnectionNumber)
    /// Makes a file of a directory's listing. `path` is relative, empty for the root itself, and is copied.
    func list(_ path: RawSpan, as format: ListingFormat, for connection: ConnectionNumber)
    /// Reads `byteCount` bytes at `offset` behind the written bytes of `lease`; fewer may come, none past the file's end.
    func read(
        into lease: consuming PooledBuffer, byteCount: Int, from file: Int32, offset: Int,
        for connection: ConnectionNumber)
    /// Asks again what an open file is.
    func check(_ file: Int32, for connection: ConnectionNumber)
    /// Whether most of these bytes are in the page cache, or nobody can tell. Does not wait for the disk.
    func isResident(_ file: Int32, _ range: Range<Int>) -> Bool
    /// Closes an open file.
    func closeFile(_ file: Int32)
    /// Seconds since 1970, by the clock on the wall. Not for the hot path.
    var wallClockSeconds: Int { get }
}

/// What came of an operation on a file.
package enum FileEvent: ~Copyable {
    /// A file is open, or a directory's listing.
    case opened(ConnectionNumber, file: Int32, FileStatus)
    case openFailed(ConnectionNumber, errno: Int32)
    /// Bytes were read, behind the others in the lease; or none, for the reason `errno`.
    case read(ConnectionNumber, PooledBuffer, byteCount: Int, errno: Int32)
    /// What an open file is now; nil when that can't be told.
    case checked(ConnectionNumber, FileStatus?)
}

/// What a listing is written as.
package enum ListingFormat: UInt8, Sendable {
    case html
    case json
}
