import HTTP1

/// Memory for one path at a time: decoded, and put together.
@safe
struct PathBuffer: ~Copyable {
    private let memory: UnsafeMutableRawBufferPointer
    private var count = 0
    /// What `count` was before an index was appended.
    private var directoryCount = 0

    private static let index: StaticString = "index.html"

    /// For paths decoded from as many bytes.
    init(limit: Int) { unsafe memory = .allocate(byteCount: limit + 16, alignment: 8) }

    deinit { unsafe memory.deallocate() }

    /// Calls `body` with the path.
    func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result {
        // SAFETY: the first `count` bytes were written.
        unsafe body(UnsafeRawBufferPointer(rebasing: memory[..<count]).bytes)
    }

    /// Puts a request's path in.
    mutating func decode(_ path: RawSpan) -> RequestPath.Outcome {
        let buffer = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[..<(memory.count - 16)])
        var output = unsafe OutputRawSpan(buffer: buffer, initializedCount: 0)
        let outcome = RequestPath.append(decoding: path, to: &output)
        count = unsafe output.finalize(for: buffer)
        return outcome
    }

    /// Makes the path of a directory that of its index.
    mutating func appendIndex() {
        directoryCount = count
        if count > 0 { append(UInt8(ascii: "/")) }
        for offset in 0..<Self.index.utf8CodeUnitCount { append(unsafe Self.index.utf8Start[offset]) }
    }

    /// A copy of the path.
    var bytes: [UInt8] { withBytes { path in unsafe path.withUnsafeBytes { unsafe Array($0) } } }

    /// Undoes that.
    mutating func removeIndex() { count = directoryCount }

    private mutating func append(_ byte: UInt8) {
        unsafe memory[count] = byte
        count += 1
    }
}
