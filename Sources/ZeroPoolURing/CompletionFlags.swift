/// The flags of a completion, as the kernel sets them.
public struct CompletionFlags: OptionSet, Sendable {
    /// The kernel's bits. The upper half is the buffer id where ``bufferSelected`` is set.
    public let rawValue: UInt32

    /// Wraps the kernel's bits.
    @inline(__always)
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The kernel took a buffer of a buffer group for this completion (also possible where the result is an error).
    public static let bufferSelected = CompletionFlags(rawValue: 1 << 0)
    /// More completions of the same operation follow: it still runs, and what it uses still belongs to the kernel.
    public static let more = CompletionFlags(rawValue: 1 << 1)
    /// The socket held more data after this receive.
    public static let socketNonEmpty = CompletionFlags(rawValue: 1 << 2)
    /// The second completion of a zero-copy send: the kernel no longer reads the bytes.
    public static let notification = CompletionFlags(rawValue: 1 << 3)
}
