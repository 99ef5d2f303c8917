internal import CLibUring
internal import Glibc

extension Ring {
    /// Accepts connections: one, or (`multishot`) one after the other until it fails or is cancelled.
    ///
    /// Result: the accepted descriptor, close-on-exec; with `direct` a slot of the ring's file table, chosen by the
    /// kernel (`ENFILE` when none is free). Multishot since kernel 5.19.
    public func accept(
        on listener: IODescriptor, multishot: Bool = true, direct: Bool = false, userData: UInt64
    ) {
        let entry = unsafe state.pointee.prepare(.accept, on: listener, userData: userData)
        if multishot { unsafe entry.pointee.ioprio = UInt16(IORING_ACCEPT_MULTISHOT) }
        if direct {
            unsafe entry.pointee.file_index = ZP_FILE_INDEX_ALLOCATE
        } else {
            unsafe entry.pointee.accept_flags = UInt32(SOCK_CLOEXEC.rawValue)
        }
    }

    /// Connects `socket` to the address (a `sockaddr_in`, `sockaddr_in6`, …) in `address`, which must stay valid until
    /// the completion. Result: 0.
    @unsafe
    public func connect(_ socket: IODescriptor, to address: UnsafeRawBufferPointer, userData: UInt64) {
        _ = unsafe state.pointee.prepare(
            .connect, on: socket, address: address.baseAddress, offset: UInt64(address.count), userData: userData)
    }

    /// Receives again and again, each time into a buffer that the kernel takes from buffer group `group`.
    ///
    /// Result: the byte count, 0 at the end of the stream. It is over with the completion that lacks
    /// ``CompletionFlags/more``: at the end, on an error, on cancellation, and with `ENOBUFS` when the group is empty.
    /// Since kernel 6.0.
    public func receiveMultishot(from socket: IODescriptor, group: UInt16, userData: UInt64) {
        let entry = unsafe state.pointee.prepare(.receive, on: socket, userData: userData)
        unsafe entry.pointee.flags |= UInt8(ZP_SQE_BUFFER_SELECT)
        unsafe entry.pointee.buf_group = group
        unsafe entry.pointee.ioprio = UInt16(IORING_RECV_MULTISHOT)
    }

    /// Receives once, into a buffer that the kernel takes from buffer group `group` when bytes are there.
    ///
    /// Result: the byte count, 0 at the end of the stream, or `ENOBUFS`.
    public func receive(from socket: IODescriptor, group: UInt16, userData: UInt64) {
        let entry = unsafe state.pointee.prepare(.receive, on: socket, userData: userData)
        unsafe entry.pointee.flags |= UInt8(ZP_SQE_BUFFER_SELECT)
        unsafe entry.pointee.buf_group = group
    }

    /// Receives into `buffer`; with `waitAll` until it is full or the stream ends. Result: the byte count.
    @unsafe
    public func receive(
        from socket: IODescriptor, into buffer: UnsafeMutableRawBufferPointer, waitAll: Bool = false, userData: UInt64
    ) {
        let entry = unsafe state.pointee.prepare(
            .receive, on: socket, address: UnsafeRawPointer(buffer.baseAddress), length: UInt32(buffer.count),
            userData: userData)
        if waitAll { unsafe entry.pointee.msg_flags = UInt32(MSG_WAITALL) }
    }

    /// Sends `bytes`. Result: the byte count, which may be short; with `waitAll` only after an error or a signal.
    ///
    /// A closed connection is `EPIPE`, never a signal. Two sends of one socket in flight at once may swap.
    @unsafe
    public func send(
        to socket: IODescriptor, from bytes: UnsafeRawBufferPointer, waitAll: Bool = false, userData: UInt64
    ) {
        let entry = unsafe state.pointee.prepare(
            .send, on: socket, address: bytes.baseAddress, length: UInt32(bytes.count), userData: userData)
        unsafe entry.pointee.msg_flags = Self.sendFlags(waitAll: waitAll)
    }

    /// Sends `bytes` without copying them where the device allows; they must lie still until the notification.
    ///
    /// Two completions: the byte count with ``CompletionFlags/more``, then ``CompletionFlags/notification`` once the
    /// kernel no longer reads the bytes (``Completion/zeroCopyWasCopied`` says whether it copied them after all). A
    /// failure has the second or has it not; ``Completion/isFinal`` of the first tells.
    /// `bufferIndex` is the slot of the ring's buffer table that covers `bytes`; `nil` pins them for this send. Since
    /// kernel 6.0 (``RingFeatures/supports(_:)``); worthwhile on network cards from some kilobytes, not on loopback.
    @unsafe
    public func sendZeroCopy(
        to socket: IODescriptor, from bytes: UnsafeRawBufferPointer, bufferIndex: UInt16? = nil, waitAll: Bool = false,
        userData: UInt64
    ) {
        let entry = unsafe state.pointee.prepare(
            .sendZeroCopy, on: socket, address: bytes.baseAddress, length: UInt32(bytes.count), userData: userData)
        unsafe entry.pointee.msg_flags = Self.sendFlags(waitAll: waitAll)
        var options: UInt32 = unsafe state.pointee.features.reportsZeroCopyUsage ? UInt32(ZP_SEND_ZC_REPORT_USAGE) : 0
        if let bufferIndex {
            options |= IORING_RECVSEND_FIXED_BUF
            unsafe entry.pointee.buf_index = bufferIndex
        }
        unsafe entry.pointee.ioprio = UInt16(options)
    }

    private static func sendFlags(waitAll: Bool) -> UInt32 {
        UInt32(MSG_NOSIGNAL) | (waitAll ? UInt32(MSG_WAITALL) : 0)
    }

    /// Aborts a TCP connection at once: what is unsent is dropped, and the peer gets a reset. Result: 0.
    ///
    /// That is `connect(2)` to no address (`AF_UNSPEC`), done when it is submitted.
    public func disconnect(_ socket: IODescriptor, userData: UInt64) {
        unsafe connect(socket, to: UnsafeRawBufferPointer(Self.noAddress), userData: userData)
    }

    /// A `sockaddr` of the family 0, `AF_UNSPEC`; never changed.
    nonisolated(unsafe) private static let noAddress: UnsafeMutableRawBufferPointer = {
        let address = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 8)
        unsafe address.initializeMemory(as: UInt8.self, repeating: 0)
        return unsafe address
    }()

    /// Asks for the address of a connected socket's peer, a `sockaddr_in` or `sockaddr_in6` that is as long as `address`, which
    /// must stay valid until the completion. Result: the byte count.
    ///
    /// Of direct descriptors too, which `getpeername(2)` can't be asked about. `EOPNOTSUPP` or `EINVAL` before kernel 6.7; the
    /// name is that of the connection also when the peer is gone. That is `getsockopt(2)` with `SO_PEERNAME`.
    @unsafe
    public func peerName(
        of socket: IODescriptor, into address: UnsafeMutableRawBufferPointer, userData: UInt64
    ) {
        // The level stands in the low half of the address field, the option in the high one.
        let option = UInt64(SO_PEERNAME) << 32 | UInt64(SOL_SOCKET)
        let entry = unsafe state.pointee.prepare(
            .command, on: socket, offset: UInt64(ZP_SOCKET_COMMAND_GET_OPTION), userData: userData)
        unsafe entry.pointee.addr = option
        unsafe entry.pointee.addr3 = UInt64(UInt(bitPattern: address.baseAddress))
        unsafe entry.pointee.file_index = UInt32(address.count)
    }

    /// Ends a direction of a connection: `SHUT_RD`, `SHUT_WR` or `SHUT_RDWR`. Result: 0.
    public func shutdown(_ socket: IODescriptor, how: Int32, userData: UInt64) {
        _ = unsafe state.pointee.prepare(.shutdown, on: socket, length: UInt32(how), userData: userData)
    }
}
