internal import Glibc
public import ZeroPoolURing

/// Why an operation of a connection, a file or a reactor failed.
public struct IOError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The operation that failed.
    public enum Operation: String, Sendable {
        /// Receiving from a connection.
        case receive
        /// Sending to a connection, or waiting for what was enqueued.
        case send
        /// Telling the peer that no more bytes come.
        case halfClose = "half-close"
        /// Connecting to an address.
        case connect
        /// Opening a file or a directory.
        case open
        /// Asking what a file is.
        case status
        /// Reading a file.
        case read
        /// Writing a file.
        case write
        /// Waiting until a file is on its disk.
        case sync
        /// Renaming a file or a directory.
        case rename
        /// Removing a name.
        case unlink
        /// Making a directory.
        case makeDirectory = "make a directory"
        /// Waiting for a buffer of the pool.
        case getBuffer = "get a buffer"
        /// Waiting for a time.
        case sleep
        /// Running work on a thread of a ``BlockingPool``.
        case block = "run blocking work"
    }

    /// Why an operation failed.
    public enum Reason: String, Sendable {
        /// The kernel refused; `errno` says why.
        case system
        /// Its deadline passed.
        case deadline
        /// Its task was cancelled.
        case cancelled
        /// The connection had no traffic for the idle time.
        case idle = "the connection was idle for too long"
        /// The peer did not read while others waited for buffers.
        case stalled = "the peer did not read while others waited for buffers"
        /// The drain time passed.
        case cut = "the server stopped"
        /// The handler reset the connection, or threw.
        case reset = "the connection was reset"
        /// The connection's handler, or the reactor, has ended.
        case ended = "the connection has ended"
    }

    /// The operation that failed.
    public let operation: Operation
    /// Why it failed.
    public let reason: Reason
    /// A positive `errno`: the kernel's, `ETIMEDOUT` after a deadline, `ECANCELED` after a cancellation, and
    /// `ECONNABORTED` when the reactor ended the connection.
    public let errno: Int32

    package init(_ operation: Operation, errno: Int32) {
        self.operation = operation
        reason = .system
        self.errno = errno
    }

    init(_ operation: Operation, _ reason: Reason) {
        self.operation = operation
        self.reason = reason
        switch reason {
        case .deadline: errno = ETIMEDOUT
        case .cancelled: errno = ECANCELED
        default: errno = ECONNABORTED
        }
    }

    /// This error as the error of a larger operation, of which this one was a part.
    func during(_ operation: Operation) -> IOError {
        reason == .system ? IOError(operation, errno: errno) : IOError(operation, reason)
    }

    /// One sentence, such as "cannot receive: Connection reset by peer (errno 104)".
    public var description: String {
        switch reason {
        case .system, .deadline, .cancelled:
            "cannot \(operation.rawValue): \(unsafe String(cString: strerror(errno))) (errno \(errno))"
        default: "cannot \(operation.rawValue): \(reason.rawValue)"
        }
    }
}

/// Why reactors can't start, or had to end.
public enum ReactorError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another program has the port.
    case portInUse(String)
    /// The system refuses to listen there.
    case listen(String, errno: Int32)
    /// The host is neither an address nor a known name.
    case unknownHost(String, reason: String)
    /// A value of the configuration is impossible.
    case configuration(String)
    /// The ring could not be set up, or died.
    case ring(RingError)
    /// Buffers are still out after the last reactor has ended: a handler kept one, or there is a bug.
    case leaked(leaseCount: Int)
    /// A ring that has ended still has registered memory or buffers: a bug.
    case ringNotEmpty(registeredByteCount: Int, leaseCount: Int)
    /// Another system call failed.
    case system(String, errno: Int32)

    /// One sentence, with the remedy where there is one.
    public var description: String {
        switch self {
        case .portInUse(let address): "\(address) is in use by another program; choose another port"
        case .listen(let address, let errno): "cannot listen on \(address): \(Self.text(errno))"
        case .unknownHost(let host, let reason): "cannot find '\(host)': \(reason)"
        case .configuration(let text): text
        case .ring(let error): error.remedy.map { "\(error). \($0)" } ?? "\(error)"
        case .leaked(let leaseCount): "\(leaseCount) buffers did not come back to the pool"
        case .ringNotEmpty(let registeredByteCount, let leaseCount):
            "a bug: \(registeredByteCount) bytes are still registered and \(leaseCount) buffers in use"
        case .system(let call, let errno): "\(call): \(Self.text(errno))"
        }
    }

    private static func text(_ errno: Int32) -> String { unsafe String(cString: strerror(errno)) }
}
