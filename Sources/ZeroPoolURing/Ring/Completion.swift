internal import CLibUring

/// The completion of an operation: its user data, its result and the kernel's flags.
///
/// A failed completion has user data and flags like any other.
public struct Completion: Sendable {
    /// The user data given to the operation.
    public let userData: UInt64
    /// The operation's result: a count, a descriptor, or a negative `errno`.
    public let result: Int32
    /// The kernel's flags.
    public let flags: CompletionFlags

    /// A completion that a host program reaped itself, for ``RingPool/complete(_:)``.
    ///
    /// Unsafe: made up, it hands out a lease that the kernel still uses.
    @inline(__always)
    @unsafe
    public init(userData: UInt64, result: Int32, flags: CompletionFlags) {
        self.userData = userData
        self.result = result
        self.flags = flags
    }

    /// Whether the operation is over: no further completion carries its user data.
    @inline(__always)
    public var isFinal: Bool { !flags.contains(.more) }

    /// The positive `errno` of a failed operation; nil when it succeeded, and for notifications.
    @inline(__always)
    public var errno: Int32? { result < 0 && !flags.contains(.notification) ? -result : nil }

    /// The id, within its buffer group, of the buffer that the kernel took; nil when it took none.
    @inline(__always)
    public var bufferID: UInt16? {
        flags.contains(.bufferSelected) ? UInt16(truncatingIfNeeded: flags.rawValue >> 16) : nil
    }

    /// Whether this is the notification of a zero-copy send whose bytes the kernel copied.
    ///
    /// Loopback and some devices always copy; a plain send is cheaper there. Since kernel 6.2 (see
    /// ``RingFeatures/reportsZeroCopyUsage``); false before.
    @inline(__always)
    public var zeroCopyWasCopied: Bool {
        flags.contains(.notification) && UInt32(bitPattern: result) & ZP_NOTIFICATION_COPIED != 0
    }
}

/// The flags of a completion, as the kernel sets them.
public struct CompletionFlags: OptionSet, Sendable {
    /// The kernel's bits. The upper half is the buffer id where ``bufferSelected`` is set.
    public let rawValue: UInt32

    /// Wraps the kernel's bits.
    @inline(__always)
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The kernel took a buffer of a buffer group for this completion, which may also be an error.
    public static let bufferSelected = CompletionFlags(rawValue: 1 << 0)
    /// More completions of the same operation follow. The kernel still uses the operation's memory.
    public static let more = CompletionFlags(rawValue: 1 << 1)
    /// The socket held more data after this receive.
    public static let socketNonEmpty = CompletionFlags(rawValue: 1 << 2)
    /// The second completion of a zero-copy send: the kernel no longer reads the bytes.
    public static let notification = CompletionFlags(rawValue: 1 << 3)
}

extension Ring {
    /// Calls `body` with every completion that can be read now, then gives their slots back to the kernel at once.
    ///
    /// Returns how many there were. `body` may prepare operations and submit; it must not read completions.
    @discardableResult
    public func forEachCompletion(_ body: (Completion) -> Void) -> Int {
        let ring = unsafe state.value.ring
        precondition(!state.value.isReaping, "completions are being read already")
        state.value.isReaping = true
        defer { state.value.isReaping = false }

        let count = unsafe io_uring_cq_ready(ring)
        let head = unsafe ring.pointee.cq.khead.pointee
        for index in 0..<count {
            let entry = unsafe zp_completion_at(ring, head &+ index)!
            unsafe body(
                Completion(
                    userData: entry.pointee.user_data, result: entry.pointee.res,
                    flags: CompletionFlags(rawValue: entry.pointee.flags)))
        }
        unsafe io_uring_cq_advance(ring, count)
        return Int(count)
    }
}
