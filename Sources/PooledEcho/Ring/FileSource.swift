import ZeroPool

/// Where a server's files come from.
struct FileSource: Sendable {
    /// Open for as long as any ring is.
    let root: RootDirectory
    /// Nil where directories are not listed.
    let lister: DirectoryLister?
    /// Nil where requests are not logged.
    let accessLog: AccessLog?
}
