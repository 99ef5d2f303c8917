public import Glibc

/// A system call that failed.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was attempted: the call, or words for a user.
    public let attempt: String
    /// Why it failed.
    public let errno: Int32

    /// The error of the call that just failed, unless `errno` says otherwise.
    public init(_ attempt: String, errno: Int32 = Glibc.errno) {
        self.attempt = attempt
        self.errno = errno
    }

    /// The attempt and the reason, such as `bind: Address already in use`.
    public var description: String { "\(attempt): \(Self.text(errno))" }

    /// The system's sentence for an errno.
    public static func text(_ errno: Int32) -> String { unsafe String(cString: strerror(errno)) }
}
