import Glibc

/// The standard streams, written at once: a pipe to a waiting parent is no terminal, and would be buffered.
enum StandardOutput {
    static func printLine(_ line: String) { write(line + "\n", to: 1) }

    static func printError(_ line: String) { write(line + "\n", to: 2) }

    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var offset = 0
            while offset < bytes.count {
                let count = unsafe Glibc.write(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
                if count < 0 && errno != EINTR { return }
                offset += max(0, count)
            }
        }
    }
}
