/// How the bytes of a file come into memory.
package enum FileEngine: String, Sendable, CaseIterable {
    /// What the page cache has from there, small files too; what is large and not in it past it.
    case auto
    /// Through the page cache.
    case buffered
    /// Past it (`O_DIRECT`), where the file system lets us.
    case direct
}
