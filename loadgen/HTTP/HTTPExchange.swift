import Glibc

/// The same request again and again; answers are taken apart, and their bodies compared with what is expected.
@safe struct HTTPExchange: Exchange {
    let messageByteCount: Int
    let longestRunByteCount: Int
    /// What every body has to be; nil where that is not known.
    let expected: ReferenceBody?
    // SAFETY: written once in `init`, only read afterwards, and never freed: a ring that ends may leave the kernel sending
    // from it for a moment longer.
    private nonisolated(unsafe) let requests: UnsafeRawPointer

    /// Makes memory that is never freed: once a run.
    /// - Parameter pipeline: Requests that may leave in one send.
    init(request: String, pipeline: Int, expected: ReferenceBody?) {
        let bytes = Array(request.utf8)
        precondition(!bytes.isEmpty && pipeline > 0)
        messageByteCount = bytes.count
        longestRunByteCount = bytes.count * pipeline
        self.expected = expected
        // One more than leave at once: a run may begin within a request.
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes.count * (pipeline + 1), alignment: 64)
        unsafe bytes.withUnsafeBytes { bytes in
            for index in 0...pipeline {
                unsafe (memory + index * bytes.count).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
            }
        }
        unsafe requests = UnsafeRawPointer(memory)
    }

    /// A head is taken for half a KiB; a body that nobody knows, for a buffer's worth.
    var answerByteCount: Int { (expected?.byteCount ?? 64 << 10) + 512 }

    func run(connection: Int, offset: Int, byteCount: Int) -> UnsafeRawBufferPointer {
        precondition(byteCount <= longestRunByteCount, "a run has at most as many requests as are in flight")
        return unsafe UnsafeRawBufferPointer(start: requests + offset % messageByteCount, count: byteCount)
    }

    func answers(onConnection number: Int) -> HTTPAnswers {
        HTTPAnswers(connection: number, requestByteCount: messageByteCount, expected: expected)
    }
}
