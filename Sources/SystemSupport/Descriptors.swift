public import Glibc

/// The number of descriptors that this process may have open (`RLIMIT_NOFILE`).
package enum DescriptorLimit {
    /// Raises the soft limit as far towards `count` as the hard limit allows; it never lowers it.
    ///
    /// - Parameter raisesHardLimit: Raise the hard limit too. It takes privileges; without them, the hard limit counts.
    /// - Returns: the soft limit afterwards.
    package static func raise(to count: Int, raisesHardLimit: Bool = false) -> Int {
        var limit = current
        let wanted = rlim_t(count)
        guard limit.rlim_cur < wanted else { return Int(clamping: limit.rlim_cur) }
        if raisesHardLimit, limit.rlim_max < wanted { set(rlimit(rlim_cur: wanted, rlim_max: wanted)) }
        limit = current
        limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, wanted))
        set(limit)
        return Int(clamping: current.rlim_cur)
    }

    private static var current: rlimit {
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return limit
    }

    private static func set(_ limit: rlimit) {
        var limit = limit
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

/// Standard output and standard error, unbuffered: a parent that waits at a pipe gets each line at once.
package enum StandardStream: Int32 {
    case output = 1
    case error = 2

    /// Writes all of it; what a closed pipe refuses is lost.
    package func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(rawValue, $0.baseAddress, $0.count) }
            guard written > 0 || errno == EINTR else { return }
            bytes = bytes.dropFirst(max(0, written))
        }
    }

    package func writeLine(_ line: String) { write(line + "\n") }
}

/// How wide a terminal is.
enum TerminalWidth {
    /// Nil where the stream is no terminal.
    static func columnCount(of stream: StandardStream) -> Int? {
        var size = winsize()
        guard unsafe ioctl(stream.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }
}

extension StandardStream {
    /// Columns of the terminal; nil where the stream is no terminal.
    package var columnCount: Int? {
        var size = winsize()
        guard unsafe ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }
}

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
