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

/// How far a comparison is: which of its measurements, and how long the rest may take.
final class ComparisonProgress: Sendable {
    let line: ProgressLine
    private let stepCount: Int
    private let startNanoseconds = Clock.monotonicNanoseconds
    private let stepIndex = Mutex(0)

    init(stepCount: Int, line: ProgressLine) {
        self.stepCount = stepCount
        self.line = line
    }

    /// A part of several measurements begins.
    func begin(_ title: String) { line.begin("measuring \(title)") }

    /// The next measurement begins.
    func step(_ title: String) {
        let index = stepIndex.withLock { index in
            index += 1
            return index - 1
        }
        let elapsedSeconds = Double(Clock.monotonicNanoseconds - startNanoseconds) / 1e9
        line.show(
            Self.text(index: index, of: stepCount, elapsedSeconds: elapsedSeconds, title: title))
    }

    /// `[#####---------------]  26 of 104, about 40 s left: hot file 64 KiB × 64, malloc`.
    static func text(index: Int, of stepCount: Int, elapsedSeconds: Double, title: String) -> String {
        let width = 20
        let filled = index * width / max(1, stepCount)
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled)
        // The first few say nothing of the rest.
        let left = elapsedSeconds / Double(max(1, index)) * Double(stepCount - index)
        let rest = index < 4 ? "" : ", about \(Format.decimal(left, places: 0)) s left"
        return "[\(bar)] \(index + 1) of \(stepCount)\(rest): \(title)"
    }
}
