import Glibc

/// A call to the system that failed: what was attempted, and the errno.
struct SystemError: Error, Equatable, CustomStringConvertible {
    let attempt: String
    let errno: Int32

    init(_ attempt: String, errno: Int32 = Glibc.errno) {
        self.attempt = attempt
        self.errno = errno
    }

    var description: String { "\(attempt): \(Self.text(errno))" }

    /// The system's sentence for an errno.
    static func text(_ errno: Int32) -> String {
        unsafe String(cString: strerror(errno))
    }
}
