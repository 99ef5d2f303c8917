import Glibc
import Synchronization

/// One line on standard error that is written over again and again; nothing at all where no terminal is.
final class ProgressLine: Sendable {
    private let isShown: Bool
    private let columnCount = Mutex(0)
    /// Stands before every line: what is being measured.
    private let label = Mutex("")

    init(isShown: Bool = isatty(STDERR_FILENO) == 1) {
        self.isShown = isShown
    }

    func setLabel(_ text: String) {
        label.withLock { $0 = text }
    }

    func show(_ text: String) {
        guard isShown else { return }
        let line = label.withLock { $0 } + text
        columnCount.withLock { count in
            let padding = String(repeating: " ", count: max(0, count - line.count))
            count = line.count
            StandardStream.error.write("\r" + line + padding)
        }
    }

    /// A line that stays.
    func say(_ text: String) {
        guard isShown else { return }
        clear()
        StandardStream.error.write(text + "\n")
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
