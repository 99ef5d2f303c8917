internal import CLibUring
internal import Glibc

extension Ring {
    /// Reads from `offset` on into `buffer`. Result: the byte count, short at the end of the file.
    ///
    /// An `offset` of -1 reads from the current position (or from what has none: pipes, sockets), here and below.
    @unsafe
    public func read(
        from file: IODescriptor, into buffer: UnsafeMutableRawBufferPointer, offset: Int64, userData: UInt64
    ) {
        _ = unsafe state.pointee.prepare(
            .read, on: file, address: UnsafeRawPointer(buffer.baseAddress), length: UInt32(buffer.count),
            offset: UInt64(bitPattern: offset), userData: userData)
    }

    /// Reads up to `byteCount` bytes from the current position, into a buffer that the kernel takes from buffer group `group`
    /// when bytes are there. Result: the byte count, or `ENOBUFS`.
    public func read(from file: IODescriptor, group: UInt16, byteCount: Int, userData: UInt64) {
        let entry = unsafe state.pointee.prepare(
            .read, on: file, length: UInt32(byteCount), offset: .max, userData: userData)
        unsafe entry.pointee.flags |= UInt8(ZP_SQE_BUFFER_SELECT)
        unsafe entry.pointee.buf_group = group
    }

    /// Writes `bytes` at `offset`. Result: the byte count.
    @unsafe
    public func write(to file: IODescriptor, from bytes: UnsafeRawBufferPointer, offset: Int64, userData: UInt64) {
        _ = unsafe state.pointee.prepare(
            .write, on: file, address: bytes.baseAddress, length: UInt32(bytes.count),
            offset: UInt64(bitPattern: offset), userData: userData)
    }

    /// As ``read(from:into:offset:userData:)``, into memory that slot `bufferIndex` of the ring's buffer table covers.
    /// Sockets too.
    @unsafe
    public func readFixed(
        from file: IODescriptor, into buffer: UnsafeMutableRawBufferPointer, offset: Int64, bufferIndex: UInt16,
        userData: UInt64
    ) {
        let entry = unsafe state.pointee.prepare(
            .readFixed, on: file, address: UnsafeRawPointer(buffer.baseAddress), length: UInt32(buffer.count),
            offset: UInt64(bitPattern: offset), userData: userData)
        unsafe entry.pointee.buf_index = bufferIndex
    }

    /// As ``write(to:from:offset:userData:)``, from memory that slot `bufferIndex` of the ring's buffer table covers.
    ///
    /// Sockets too, where it is a send that raises `SIGPIPE` on a closed connection: ignore that signal first.
    @unsafe
    public func writeFixed(
        to file: IODescriptor, from bytes: UnsafeRawBufferPointer, offset: Int64, bufferIndex: UInt16, userData: UInt64
    ) {
        let entry = unsafe state.pointee.prepare(
            .writeFixed, on: file, address: bytes.baseAddress, length: UInt32(bytes.count),
            offset: UInt64(bitPattern: offset), userData: userData)
        unsafe entry.pointee.buf_index = bufferIndex
    }

    /// Opens the file that the zero-terminated `path` names from `directory` on, as the `struct open_how` of `openat2(2)` in
    /// `how` says. Result: a descriptor.
    ///
    /// Both must lie still until the completion. What is in the kernel's caches is opened at once, the rest on a thread of the
    /// kernel's.
    @unsafe
    public func open(
        _ path: UnsafeRawPointer, from directory: Int32, how: UnsafeRawBufferPointer, userData: UInt64
    ) {
        // The address of the structure stands in the offset field.
        _ = unsafe state.pointee.prepare(
            .openAt2, on: .file(directory), address: path, length: UInt32(how.count),
            offset: UInt64(UInt(bitPattern: how.baseAddress)), userData: userData)
    }

    /// Writes what `statx(2)` says of an open file to `status`, 256 bytes that must lie still until the completion. Result: 0.
    ///
    /// Of a descriptor of the process: there is none of a direct one. Done on a thread of the kernel's.
    @unsafe
    public func status(of file: Int32, mask: UInt32, into status: UnsafeMutableRawPointer, userData: UInt64) {
        let entry = unsafe state.pointee.prepare(
            .statx, on: .file(file), address: UnsafeRawPointer(Self.noPath), length: mask,
            offset: UInt64(UInt(bitPattern: status)), userData: userData)
        unsafe entry.pointee.statx_flags = UInt32(AT_EMPTY_PATH)
    }

    /// The empty path, for what is open already; never changed.
    nonisolated(unsafe) private static let noPath: UnsafeMutableRawPointer = {
        let path = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)
        unsafe path.initializeMemory(as: UInt8.self, repeating: 0, count: 1)
        return unsafe path
    }()

    /// Closes a descriptor, or frees a slot of the file table. Result: 0.
    public func close(_ descriptor: IODescriptor, userData: UInt64) {
        switch descriptor {
        case .file:
            _ = unsafe state.pointee.prepare(.close, on: descriptor, userData: userData)
        case .direct(let slot):
            // The slot stands in a field of its own, one higher; the flag for fixed files is refused here.
            let entry = unsafe state.pointee.prepare(.close, on: .file(0), userData: userData)
            unsafe entry.pointee.file_index = slot + 1
        }
    }

    /// Makes an ordinary, close-on-exec descriptor for a slot of the file table. Result: the descriptor. The slot
    /// stays. Since kernel 6.8 (``RingFeatures/supports(_:)``).
    public func installDescriptor(for slot: UInt32, userData: UInt64) {
        _ = unsafe state.pointee.prepare(.installDescriptor, on: .direct(slot), userData: userData)
    }
}
