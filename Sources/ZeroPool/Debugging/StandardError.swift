#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Where a debugging pool reports. The library is silent otherwise.
enum StandardError {
    /// Writes all of `text`, as far as somebody takes it.
    static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            guard let start = bytes.baseAddress else { return }
            var done = 0
            while done < bytes.count {
                #if canImport(Musl)
                    let count = unsafe Musl.write(STDERR_FILENO, start + done, bytes.count - done)
                #else
                    let count = unsafe Glibc.write(STDERR_FILENO, start + done, bytes.count - done)
                #endif
                guard count > 0 else { return }
                done += count
            }
        }
    }
}
