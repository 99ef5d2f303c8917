import Glibc
import Synchronization
import SystemSupport

/// One line on standard error that is written over again and again; nothing at all where no terminal is.
final class ProgressLine: Sendable {
    private let isShown: Bool
    private let columnCount = Mutex(0)

    init(isShown: Bool = isatty(STDERR_FILENO) == 1) {
        self.isShown = isShown
    }

    func show(_ text: String) {
        guard isShown else { return }
        // A line that wraps can't be written over.
        let line = text.prefix(max(20, StandardStream.error.columnCount ?? 80) - 1)
        columnCount.withLock { count in
            let padding = String(repeating: " ", count: max(0, count - line.count))
            count = line.count
            StandardStream.error.write("\r" + line + padding)
        }
    }

    /// Begins a part that takes some time: a plain line of its own where no terminal shows the others.
    func begin(_ title: String) {
        if !isShown { StandardStream.error.write(title + "\n") }
    }

    /// Removes the line, so that something else may stand there.
    func clear() {
        guard isShown else { return }
        columnCount.withLock { count in
            guard count > 0 else { return }
            StandardStream.error.write("\r" + String(repeating: " ", count: count) + "\r")
            count = 0
        }
    }
}
