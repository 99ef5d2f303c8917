import Glibc
import Synchronization

/// A file that gets lines of any thread, written by a thread of its own, so that a slow disk holds up nobody else. What waits
/// for the disk is bounded: lines past that are refused.
final class AccessLog: Sendable {
    private struct State {
        var text: [UInt8] = []
        var isClosing = false
    }

    private static let waitingByteCountLimit = 16 << 20

    private let descriptor: Int32
    private let state = Mutex(State())
    private let work: StopSignal
    private let thread = Mutex<ServerThread<Void>?>(nil)

    /// Opens the file to append to it, or makes it. Throws a sentence for the user.
    init(path: String) throws(ServerError) {
        work = try StopSignal(isBlocking: true)
        // A pipe that nobody reads is an error, and not waited for; writing to one waits, on a thread that may.
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0o644)
        guard descriptor >= 0 else { throw .accessLog(path, errno: errno) }
        _ = fcntl(descriptor, F_SETFL, O_APPEND)
        let thread = try ServerThread<Void> { [self] in run() }
        self.thread.withLock { $0 = thread }
    }

    deinit { _ = Glibc.close(descriptor) }

    /// - Returns: false when too much waits; then nothing was added.
    func append(_ lines: [UInt8]) -> Bool {
        let isAdded = state.withLock { state in
            guard state.text.count + lines.count <= Self.waitingByteCountLimit else { return false }
            state.text += lines
            return true
        }
        work.raise()
        return isAdded
    }

    /// Returns when all is written. Nothing may be appended afterwards.
    func close() {
        state.withLock { $0.isClosing = true }
        work.raise()
        thread.withLock { $0.take() }?.join()
    }

    private func run() {
        var isClosing = false
        while !isClosing {
            work.take()
            let text = state.withLock { state in
                isClosing = state.isClosing
                defer { state.text = [] }
                return state.text
            }
            write(text)
        }
    }

    private func write(_ text: [UInt8]) {
        var offset = 0
        while offset < text.count {
            let count = unsafe text.withUnsafeBytes { bytes in
                unsafe Glibc.write(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
            }
            // A full disk loses lines, and serves on.
            guard count > 0 || errno == EINTR else { return }
            offset += max(0, count)
        }
    }
}
