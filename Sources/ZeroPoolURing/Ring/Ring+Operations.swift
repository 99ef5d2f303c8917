internal import CLibUring
internal import Glibc

/// The target of an operation: a descriptor of the process, or a slot of the ring's own file table.
///
/// Direct descriptors cost no reference count per operation, exist only inside their ring, and are closed through it.
public enum IODescriptor: Hashable, Sendable {
    /// An ordinary file descriptor.
    case file(Int32)
    /// A slot of the table made by ``Ring/registerSparseFiles(count:)``, as returned by a direct accept.
    case direct(UInt32)

    /// The number that goes into a submission's `fd` field.
    @inline(__always)
    var number: Int32 {
        switch self {
        case .file(let descriptor): descriptor
        case .direct(let slot): Int32(bitPattern: slot)
        }
    }

    @inline(__always)
    var isDirect: Bool {
        if case .direct = self { true } else { false }
    }
}

/// Memory that the kernel reads or writes while an operation runs.
struct KernelMemory {
    let address: UInt64
    let byteCount: UInt32

    init(_ bytes: UnsafeRawBufferPointer) {
        address = UInt64(UInt(bitPattern: bytes.baseAddress))
        byteCount = UInt32(bytes.count)
    }

    init(_ bytes: UnsafeMutableRawBufferPointer) { unsafe self.init(UnsafeRawBufferPointer(bytes)) }
}

// MARK: Control

extension Ring {
    /// Prepares an operation of the program's own. Traps when its user data is the pool's.
    @inline(__always)
    private func prepare(
        _ opcode: Opcode, on descriptor: IODescriptor, address: UInt64 = 0, length: UInt32 = 0, offset: UInt64 = 0,
        userData: UInt64, _ configure: (inout io_uring_sqe) -> Void = { _ in }
    ) {
        state.value.requireOwn(userData)
        state.value.prepare(
            opcode, on: descriptor, address: address, length: length, offset: offset, userData: userData, configure)
    }

    /// Cancels every operation with this user data. Result: how many were found; `ENOENT` for none.
    ///
    /// Each of them still has its own final completion, with `ECANCELED` or its normal result. An operation that is
    /// about to be retried, because its descriptor has just become ready, is not found and goes on. Repeat the
    /// cancellation until it has ended.
    public func cancel(_ target: UInt64, userData: UInt64) {
        state.value.requireOwn(userData)
        state.value.prepareCancel(of: target, userData: userData)
    }

    /// Cancels every operation on `descriptor`. Result: how many were found, which may be 0.
    public func cancelAll(on descriptor: IODescriptor, userData: UInt64) {
        // The number alone: the flag for fixed files stands with the cancellation's own.
        prepare(.cancel, on: .file(descriptor.number), userData: userData) { entry in
            entry.cancel_flags =
                IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_FD
                | (descriptor.isDirect ? IORING_ASYNC_CANCEL_FD_FIXED : 0)
        }
    }

    /// Cancels every operation of the ring. Result: how many were found, which may be 0.
    public func cancelAll(userData: UInt64) {
        prepare(.cancel, on: .file(-1), userData: userData) {
            $0.cancel_flags = IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY
        }
    }

    /// Completes after `duration`. Result: `ETIME`; `ECANCELED` when cancelled before.
    public func timeout(after duration: Duration, userData: UInt64) {
        state.value.requireOwn(userData)
        state.value.prepareTimeout(__kernel_timespec(duration), flags: 0, userData: userData)
    }

    /// Completes when `CLOCK_MONOTONIC` reaches this many nanoseconds. Result as ``timeout(after:userData:)``.
    public func timeout(atMonotonicNanoseconds nanoseconds: UInt64, userData: UInt64) {
        state.value.requireOwn(userData)
        state.value.prepareTimeout(
            __kernel_timespec(nanoseconds: nanoseconds), flags: IORING_TIMEOUT_ABS, userData: userData)
    }

    /// Completes when one of `events` (`POLLIN`, …) holds, and each time again if `multishot` is set. Result: the
    /// events.
    public func poll(_ descriptor: IODescriptor, events: UInt32, multishot: Bool = false, userData: UInt64) {
        // Poll's command flags stand in the length field.
        prepare(.pollAdd, on: descriptor, length: multishot ? IORING_POLL_ADD_MULTI : 0, userData: userData) {
            // The 32 bits are stored with their halves swapped on big-endian machines.
            $0.poll32_events = 1.littleEndian == 1 ? events : events << 16 | events >> 16
        }
    }

    /// Completes at once, with 0.
    public func nop(userData: UInt64) { prepare(.nop, on: .file(-1), userData: userData) }

    /// Posts a completion (`targetUserData`, `result`) to another ring, whose ``fileDescriptor`` is `ring`. Own result:
    /// 0.
    ///
    /// This is the one safe way to wake another thread's ring. Traps when `targetUserData` is 2⁶³ or more, which
    /// belongs to the other ring's pool. On a host's ring, other user data may belong to a pool; don't send that.
    public func messageRing(_ ring: Int32, targetUserData: UInt64, result: Int32, userData: UInt64) {
        let reserved = RingPool.Reservation.wholeRing
        precondition(
            targetUserData & reserved.userDataMask != reserved.userDataValue,
            "user data that is reserved for the other ring's pool")
        prepare(
            .messageRing, on: .file(ring), length: UInt32(bitPattern: result), offset: targetUserData,
            userData: userData)
    }
}

// MARK: Files

extension Ring {
    /// Reads from `offset` on into `buffer`. Result: the byte count, short at the end of the file.
    ///
    /// An `offset` of -1 reads from the current position (or from what has none: pipes, sockets), here and below.
    @unsafe
    public func read(
        from file: IODescriptor, into buffer: UnsafeMutableRawBufferPointer, offset: Int64, userData: UInt64
    ) {
        let memory = unsafe KernelMemory(buffer)
        prepare(
            .read, on: file, address: memory.address, length: memory.byteCount, offset: UInt64(bitPattern: offset),
            userData: userData)
    }

    /// Reads up to `byteCount` bytes from the current position, into a buffer of group `group` that the kernel takes
    /// when bytes are there. Result: the byte count, or `ENOBUFS`.
    public func read(from file: IODescriptor, group: UInt16, byteCount: Int, userData: UInt64) {
        prepare(.read, on: file, length: UInt32(byteCount), offset: .max, userData: userData) {
            $0.flags |= UInt8(ZP_SQE_BUFFER_SELECT)
            $0.buf_group = group
        }
    }

    /// Writes `bytes` at `offset`. Result: the byte count.
    @unsafe
    public func write(to file: IODescriptor, from bytes: UnsafeRawBufferPointer, offset: Int64, userData: UInt64) {
        let memory = unsafe KernelMemory(bytes)
        prepare(
            .write, on: file, address: memory.address, length: memory.byteCount, offset: UInt64(bitPattern: offset),
            userData: userData)
    }

    /// As ``read(from:into:offset:userData:)``, into memory that slot `bufferIndex` of the ring's buffer table covers.
    /// Sockets too.
    @unsafe
    public func readFixed(
        from file: IODescriptor, into buffer: UnsafeMutableRawBufferPointer, offset: Int64, bufferIndex: UInt16,
        userData: UInt64
    ) {
        let memory = unsafe KernelMemory(buffer)
        prepare(
            .readFixed, on: file, address: memory.address, length: memory.byteCount,
            offset: UInt64(bitPattern: offset), userData: userData
        ) { $0.buf_index = bufferIndex }
    }

    /// As ``write(to:from:offset:userData:)``, from memory that slot `bufferIndex` of the ring's buffer table covers.
    ///
    /// Sockets too, where it is a send that raises `SIGPIPE` on a closed connection: ignore that signal first.
    @unsafe
    public func writeFixed(
        to file: IODescriptor, from bytes: UnsafeRawBufferPointer, offset: Int64, bufferIndex: UInt16, userData: UInt64
    ) {
        let memory = unsafe KernelMemory(bytes)
        prepare(
            .writeFixed, on: file, address: memory.address, length: memory.byteCount,
            offset: UInt64(bitPattern: offset), userData: userData
        ) { $0.buf_index = bufferIndex }
    }

    /// Closes a descriptor, or frees a slot of the file table. Result: 0.
    public func close(_ descriptor: IODescriptor, userData: UInt64) {
        state.value.requireOwn(userData)
        state.value.prepareClose(descriptor, userData: userData)
    }

    /// Makes an ordinary, close-on-exec descriptor for a slot of the file table. Result: the descriptor. The slot
    /// stays. Since kernel 6.8 (``RingFeatures/supports(_:)``).
    public func installDescriptor(for slot: UInt32, userData: UInt64) {
        prepare(.installDescriptor, on: .direct(slot), userData: userData)
    }
}

// MARK: Sockets

extension Ring {
    /// Accepts one connection, or with `multishot` one after the other until it fails or is cancelled.
    ///
    /// Result: the accepted descriptor, close-on-exec. With `direct` it is a slot of the ring's file table, chosen by
    /// the kernel; `ENFILE` when none is free. Multishot since kernel 5.19.
    public func accept(
        on listener: IODescriptor, multishot: Bool = true, direct: Bool = false, userData: UInt64
    ) {
        prepare(.accept, on: listener, userData: userData) { entry in
            if multishot { entry.ioprio = UInt16(IORING_ACCEPT_MULTISHOT) }
            if direct {
                entry.file_index = ZP_FILE_INDEX_ALLOCATE
            } else {
                entry.accept_flags = UInt32(SOCK_CLOEXEC.rawValue)
            }
        }
    }

    /// Connects `socket` to the address (a `sockaddr_in`, `sockaddr_in6`, …) in `address`, which must stay valid until
    /// the completion. Result: 0.
    @unsafe
    public func connect(_ socket: IODescriptor, to address: UnsafeRawBufferPointer, userData: UInt64) {
        let memory = unsafe KernelMemory(address)
        prepare(.connect, on: socket, address: memory.address, offset: UInt64(memory.byteCount), userData: userData)
    }

    /// Receives repeatedly, each time into a buffer of group `group` that the kernel takes when bytes are there.
    ///
    /// Result: the byte count, 0 at the end of the stream. The final completion lacks ``CompletionFlags/more``. It
    /// comes at the end, on an error, on cancellation, and with `ENOBUFS` when the group is empty. Since kernel 6.0.
    public func receiveMultishot(from socket: IODescriptor, group: UInt16, userData: UInt64) {
        prepare(.receive, on: socket, userData: userData) {
            $0.flags |= UInt8(ZP_SQE_BUFFER_SELECT)
            $0.buf_group = group
            $0.ioprio = UInt16(IORING_RECV_MULTISHOT)
        }
    }

    /// Receives once, into a buffer of group `group` that the kernel takes when bytes are there.
    ///
    /// Result: the byte count, 0 at the end of the stream, or `ENOBUFS`.
    public func receive(from socket: IODescriptor, group: UInt16, userData: UInt64) {
        prepare(.receive, on: socket, userData: userData) {
            $0.flags |= UInt8(ZP_SQE_BUFFER_SELECT)
            $0.buf_group = group
        }
    }

    /// Receives into `buffer`; with `waitAll` until it is full or the stream ends. Result: the byte count.
    @unsafe
    public func receive(
        from socket: IODescriptor, into buffer: UnsafeMutableRawBufferPointer, waitAll: Bool = false, userData: UInt64
    ) {
        state.value.requireOwn(userData)
        state.value.prepareReceive(
            from: socket, into: unsafe KernelMemory(buffer), waitAll: waitAll, userData: userData)
    }

    /// Sends `bytes`. Result: the byte count. It may be short; with `waitAll` only after an error or a signal.
    ///
    /// A closed connection is `EPIPE`, never a signal. Two sends in flight on one socket may be reordered.
    @unsafe
    public func send(
        to socket: IODescriptor, from bytes: UnsafeRawBufferPointer, waitAll: Bool = false, userData: UInt64
    ) {
        state.value.requireOwn(userData)
        state.value.prepareSend(to: socket, from: unsafe KernelMemory(bytes), waitAll: waitAll, userData: userData)
    }

    /// Sends `bytes` without copying them where the device allows. They must stay valid until the notification.
    ///
    /// It has two completions. The first has the byte count and ``CompletionFlags/more``. The second has
    /// ``CompletionFlags/notification``: the kernel no longer reads the bytes, and ``Completion/zeroCopyWasCopied``
    /// says whether it copied them. After a failure there may be no second completion; ``Completion/isFinal`` of the
    /// first tells.
    ///
    /// `bufferIndex` is the slot of the ring's buffer table that covers `bytes`; nil pins them for this send. Since
    /// kernel 6.0 (``RingFeatures/supports(_:)``). It pays on network cards from some kilobytes on, and not on
    /// loopback.
    @unsafe
    public func sendZeroCopy(
        to socket: IODescriptor, from bytes: UnsafeRawBufferPointer, bufferIndex: UInt16? = nil, waitAll: Bool = false,
        userData: UInt64
    ) {
        state.value.requireOwn(userData)
        state.value.prepareZeroCopySend(
            to: socket, from: unsafe KernelMemory(bytes), bufferIndex: bufferIndex, waitAll: waitAll,
            userData: userData)
    }

    /// Aborts a TCP connection at once: unsent bytes are dropped, and the peer gets a reset. Result: 0.
    ///
    /// Uses `connect(2)` to `AF_UNSPEC`, and runs when it is submitted.
    public func disconnect(_ socket: IODescriptor, userData: UInt64) {
        unsafe connect(socket, to: UnsafeRawBufferPointer(Self.noAddress), userData: userData)
    }

    /// A `sockaddr` of the family 0, `AF_UNSPEC`; never changed.
    nonisolated(unsafe) private static let noAddress: UnsafeMutableRawBufferPointer = {
        let address = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 8)
        unsafe address.initializeMemory(as: UInt8.self, repeating: 0)
        return unsafe address
    }()

    /// Reads the address of a connected socket's peer into `address`, which must stay valid until the completion. It
    /// has the size of a `sockaddr_in` or `sockaddr_in6`. Result: the byte count.
    ///
    /// Works for direct descriptors, unlike `getpeername(2)`, and also when the peer is gone. `EOPNOTSUPP` or `EINVAL`
    /// before kernel 6.7. Uses `getsockopt(2)` with `SO_PEERNAME`.
    @unsafe
    public func peerName(
        of socket: IODescriptor, into address: UnsafeMutableRawBufferPointer, userData: UInt64
    ) {
        let memory = unsafe KernelMemory(UnsafeRawBufferPointer(address))
        prepare(.command, on: socket, offset: UInt64(ZP_SOCKET_COMMAND_GET_OPTION), userData: userData) { entry in
            // The level stands in the low half of the address field, the option in the high one.
            entry.addr = UInt64(SO_PEERNAME) << 32 | UInt64(SOL_SOCKET)
            entry.addr3 = memory.address
            entry.file_index = memory.byteCount
        }
    }

    /// Ends a direction of a connection: `SHUT_RD`, `SHUT_WR` or `SHUT_RDWR`. Result: 0.
    public func shutdown(_ socket: IODescriptor, how: Int32, userData: UInt64) {
        prepare(.shutdown, on: socket, length: UInt32(how), userData: userData)
    }
}

// MARK: What the pool prepares too

extension RingState {
    mutating func prepareCancel(of target: UInt64, userData: UInt64) {
        prepare(.cancel, on: .file(-1), address: target, userData: userData) {
            $0.cancel_flags = IORING_ASYNC_CANCEL_ALL
        }
    }

    mutating func prepareClose(_ descriptor: IODescriptor, userData: UInt64) {
        switch descriptor {
        case .file: prepare(.close, on: descriptor, userData: userData)
        case .direct(let slot):
            // The slot stands in a field of its own, one higher; the flag for fixed files is refused here.
            prepare(.close, on: .file(0), userData: userData) { $0.file_index = slot + 1 }
        }
    }

    @inline(__always)
    mutating func prepareReceive(
        from socket: IODescriptor, into memory: KernelMemory, waitAll: Bool, userData: UInt64
    ) {
        prepare(.receive, on: socket, address: memory.address, length: memory.byteCount, userData: userData) {
            if waitAll { $0.msg_flags = UInt32(MSG_WAITALL) }
        }
    }

    @inline(__always)
    mutating func prepareSend(to socket: IODescriptor, from memory: KernelMemory, waitAll: Bool, userData: UInt64) {
        prepare(.send, on: socket, address: memory.address, length: memory.byteCount, userData: userData) {
            $0.msg_flags = Self.sendFlags(waitAll: waitAll)
        }
    }

    @inline(__always)
    mutating func prepareZeroCopySend(
        to socket: IODescriptor, from memory: KernelMemory, bufferIndex: UInt16?, waitAll: Bool, userData: UInt64
    ) {
        var options: UInt32 = features.reportsZeroCopyUsage ? UInt32(ZP_SEND_ZC_REPORT_USAGE) : 0
        if bufferIndex != nil { options |= IORING_RECVSEND_FIXED_BUF }
        prepare(.sendZeroCopy, on: socket, address: memory.address, length: memory.byteCount, userData: userData) {
            $0.msg_flags = Self.sendFlags(waitAll: waitAll)
            $0.ioprio = UInt16(options)
            if let bufferIndex { $0.buf_index = bufferIndex }
        }
    }

    @inline(__always)
    private static func sendFlags(waitAll: Bool) -> UInt32 {
        UInt32(MSG_NOSIGNAL) | (waitAll ? UInt32(MSG_WAITALL) : 0)
    }
}
