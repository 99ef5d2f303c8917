internal import CLibUring

/// One completion: which operation, what came of it, and what the kernel has to say about it.
///
/// A failed completion keeps its user data and its flags like any other.
public struct Completion: Sendable {
    /// The token given to the operation.
    public let userData: UInt64
    /// What the operation returned: a count or a descriptor, or a negative `errno`.
    public let result: Int32
    /// The kernel's flags.
    public let flags: CompletionFlags

    /// A completion as the kernel wrote it. For hosts that reap completions themselves, and for simulated rings.
    @inline(__always)
    public init(userData: UInt64, result: Int32, flags: CompletionFlags) {
        self.userData = userData
        self.result = result
        self.flags = flags
    }

    /// Whether the operation is over: no further completion carries its user data.
    @inline(__always)
    public var isFinal: Bool { !flags.contains(.more) }

    /// The `errno` of a failed operation, positive; `nil` when it succeeded, and for notifications.
    @inline(__always)
    public var errno: Int32? { result < 0 && !flags.contains(.notification) ? -result : nil }

    /// The id, in its buffer group, of the buffer that the kernel took; `nil` when it took none.
    @inline(__always)
    public var bufferID: UInt16? {
        flags.contains(.bufferSelected) ? UInt16(truncatingIfNeeded: flags.rawValue >> 16) : nil
    }

    /// Whether this is the notification of a zero-copy send whose bytes the kernel copied after all.
    ///
    /// Loopback and some devices always copy; there a plain send is cheaper. Since kernel 6.2 (see
    /// ``RingFeatures/reportsZeroCopyUsage``), false before.
    @inline(__always)
    public var zeroCopyWasCopied: Bool {
        flags.contains(.notification) && UInt32(bitPattern: result) & ZP_NOTIFICATION_COPIED != 0
    }
}
