/// What is being opened for a connection.
struct FileOpening {
    /// Open already, while it is asked what it is; else -1.
    var descriptor: Int32 = -1
    /// Nil for a file; else it is a directory that will be listed.
    var listing: ListingFormat?
}
