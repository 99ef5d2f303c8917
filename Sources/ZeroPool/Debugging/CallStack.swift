import CZeroPool

/// The innermost frames of a thread's stack, for debugging pools: a lease ends wherever its lifetime does, which no
/// argument can tell. Empty with musl, which does not know.
struct CallStack: Sendable {
    private static let maximumFrameCount = 24
    private let frames: [UInt]

    /// The calling thread's.
    static func current() -> CallStack {
        CallStack(
            frames: unsafe Array(unsafeUninitializedCapacity: maximumFrameCount) { frames, count in
                count = unsafe Int(zeropool_call_stack(frames.baseAddress!, Int32(frames.count)))
            })
    }

    /// Writes it to standard error, a line a frame: program, symbol where the program exports it, address.
    func print() {
        unsafe frames.withUnsafeBufferPointer { frames in
            guard let start = frames.baseAddress else { return }
            unsafe zeropool_print_call_stack(start, Int32(frames.count))
        }
    }
}
