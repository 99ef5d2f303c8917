import Glibc

/// The directory that a server serves; closed with its last reference.
final class RootDirectory: Sendable {
    let descriptor: Int32

    /// Throws a sentence for the user when it is no directory, or one that may not be read.
    init(path: String) throws(ServerError) {
        descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .root(path, errno: errno) }
        // Reading its names is one right, opening what is in it another.
        guard unsafe faccessat(descriptor, ".", X_OK, 0) == 0 else {
            let errno = errno
            _ = close(descriptor)
            throw .root(path, errno: errno)
        }
    }

    deinit { _ = close(descriptor) }
}
