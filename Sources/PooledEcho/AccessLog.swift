import Glibc
import SystemSupport

/// A log file to which any thread may append lines. A thread of its own writes the file, so that a slow disk delays
/// nothing else. The lines that wait for the disk are bounded; further lines are refused.
final class AccessLog: Sendable {
    private struct State {
        var text: [UInt8] = []
        var isClosing = false
    }

    private static let waitingByteCountLimit = 16 << 20

    private let descriptor: Int32
    private let state = Monitor(State())
    private let thread = Monitor<SystemThread<Void>?>(nil)

    /// Opens or creates the file, to append to it. The error's description is a sentence for the user.
    init(path: String) throws(ServerError) {
        // Opening a pipe without a reader is an error and does not wait. Writing to a pipe may wait, because the
        // log's thread may block.
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0o644)
        guard descriptor >= 0 else { throw .accessLog(path, errno: errno) }
        _ = fcntl(descriptor, F_SETFL, O_APPEND)
        do throws(SystemError) {
            let thread = try SystemThread { [self] in run() }
            self.thread.withLock { $0 = thread }
        } catch {
            throw .system(error)
        }
    }

    deinit { _ = Glibc.close(descriptor) }

    /// - Returns: false when too much waits; then nothing was added.
    func append(_ lines: [UInt8]) -> Bool {
        state.withLock { state in
            guard state.text.count + lines.count <= Self.waitingByteCountLimit else { return false }
            state.text += lines
            return true
        }
    }

    /// Returns when all is written. Nothing may be appended afterwards.
    func close() {
        state.withLock { $0.isClosing = true }
        thread.withLock { $0.take() }?.join()
    }

    private func run() {
        while let text = nextText() { write(text) }
    }

    /// Nil when all is written and no more comes.
    private func nextText() -> [UInt8]? {
        state.wait { state -> [UInt8]?? in
            guard state.text.isEmpty else {
                defer { state.text = [] }
                return state.text
            }
            return state.isClosing ? .some(nil) : nil
        }
    }

    private func write(_ text: [UInt8]) {
        var offset = 0
        while offset < text.count {
            let count = unsafe text.withUnsafeBytes { bytes in
                unsafe Glibc.write(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
            }
            // With a full disk, lines are lost and the server goes on.
            guard count > 0 || errno == EINTR else { return }
            offset += max(0, count)
        }
    }
}
