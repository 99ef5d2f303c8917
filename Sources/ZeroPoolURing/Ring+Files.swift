internal import CLibUring

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
