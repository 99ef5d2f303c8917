import Glibc

/// What every body has to be: a file, or what was fetched before. It stays in memory as long as the process.
@safe struct ReferenceBody: Sendable {
    // SAFETY: never written after `init`, and never freed.
    private nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

    var byteCount: Int { unsafe bytes.count }

    /// Keeps a copy.
    init(copying content: some Collection<UInt8>) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 64)
        unsafe memory.copyBytes(from: content)
        unsafe bytes = UnsafeRawBufferPointer(memory)
    }

    /// Maps a file, which must not change as long as the process runs.
    init(file path: String) throws(SystemError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError(path) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw SystemError(path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw SystemError("\(path) is no file", errno: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
        }
        guard status.st_size > 0 else {
            unsafe bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let memory = unsafe mmap(nil, Int(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { throw SystemError(path) }
        unsafe bytes = UnsafeRawBufferPointer(start: memory, count: Int(status.st_size))
    }

    /// Compares a part of a body with what stands there. About the cost of a `memcmp`.
    /// - Parameter offset: Where the part begins in the body; it has to end within it.
    /// - Returns: where and how they differ first, counted from the part's beginning; or nil.
    func firstDifference(from body: RawSpan, at offset: Int) -> (offset: Int, expected: UInt8, received: UInt8)? {
        let there = unsafe UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + body.byteCount])
        return unsafe body.withUnsafeBytes { body in
            guard body.count > 0, unsafe memcmp(body.baseAddress!, there.baseAddress!, body.count) != 0 else {
                return nil
            }
            let index = body.indices.first { unsafe body[$0] != there[$0] }!
            return unsafe (index, there[index], body[index])
        }
    }
}
