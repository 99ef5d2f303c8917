import Glibc

/// How other threads tell one something in a word: a pipe that a ring polls, or that a thread waits at. A reactor is told so
/// to stop: the first word means drain, the second at once.
final class StopSignal: Sendable {
    /// What the ring polls for input.
    let descriptor: Int32
    private let writeEnd: Int32

    /// - Parameter isBlocking: whether `take` waits for a word.
    init(isBlocking: Bool = false) throws(ServerError) {
        var ends: (Int32, Int32) = (-1, -1)
        let result = unsafe withUnsafeMutableBytes(of: &ends) { bytes in
            unsafe pipe(bytes.assumingMemoryBound(to: Int32.self).baseAddress!)
        }
        guard result == 0 else { throw .system("pipe", errno: errno) }
        (descriptor, writeEnd) = ends
        for end in [descriptor, writeEnd] {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            if !isBlocking || end == writeEnd { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        }
    }

    deinit {
        _ = close(descriptor)
        _ = close(writeEnd)
    }

    /// Any thread.
    func raise() {
        var byte: UInt8 = 1
        // A full pipe has said it often enough.
        unsafe _ = write(writeEnd, &byte, 1)
    }

    /// Takes one word; on the thread that is told.
    func take() {
        var byte: UInt8 = 0
        unsafe _ = read(descriptor, &byte, 1)
    }
}
