import Glibc

/// Standard output and standard error, unbuffered: a parent that waits at a pipe gets each line at once.
package enum StandardStream: Int32 {
    case output = 1
    case error = 2

    /// Writes all of it; what a closed pipe refuses is lost.
    package func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(rawValue, $0.baseAddress, $0.count) }
            guard written > 0 || errno == EINTR else { return }
            bytes = bytes.dropFirst(max(0, written))
        }
    }

    package func writeLine(_ line: String) { write(line + "\n") }
}

/// How wide a terminal is.
enum TerminalWidth {
    /// Nil where the stream is no terminal.
    static func columnCount(of stream: StandardStream) -> Int? {
        var size = winsize()
        guard unsafe ioctl(stream.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }
}

extension StandardStream {
    /// Columns of the terminal; nil where the stream is no terminal.
    package var columnCount: Int? {
        var size = winsize()
        guard unsafe ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }
}
