import Glibc
import SystemSupport
import ZeroPool
import ZeroPoolURing

/// The operations of tasks, on io_uring.
///
/// An open is `openat2`, then `statx` of what was opened: one event for both. A connect is `connect` of an ordinary socket,
/// then a slot of the file table for it. The context of an operation is its token: the generation in 24 bits, then the index.
extension KernelRing {
    private static func context(_ kind: LeaseKind, _ token: OperationToken) -> UInt64 {
        kind.rawValue << 56 | UInt64(token.generation) << 32 | UInt64(token.index)
    }

    private static func token(_ context: UInt64) -> OperationToken {
        OperationToken(
            index: UInt32(truncatingIfNeeded: context),
            generation: UInt32(truncatingIfNeeded: context >> 32) & OperationToken.generationMask)
    }

    private func note(_ userData: UInt64, of token: OperationToken) {
        let index = Int(token.index)
        if operationUserData.count <= index { makeRoom(for: index) }
        operationUserData[index] = userData
    }

    @inline(never)
    private func makeRoom(for index: Int) {
        operationUserData += Array(repeating: 0, count: index + 1 - operationUserData.count)
    }

    // MARK: Operations

    func takeBuffer(_ byteCount: Int) -> PooledBuffer? {
        // Aligned, as a read past the page cache requires.
        setup.mode == .malloc ? AllocatedBuffers.tryGet(byteCount, alignment: 4096) : setup.pool.tryGet(byteCount)
    }

    func perform(_ operation: consuming RingOperation, token: OperationToken) {
        let context = Self.context(.operation, token)
        switch consume operation {
        case .read(let lease, let byteCount, let file, let offset):
            note(
                ringPool.read(
                    into: lease, byteCount: byteCount, from: .file(file), offset: Int64(offset), context: context),
                of: token)
        case .write(let lease, let range, let file, let offset):
            note(
                ringPool.write(lease, range: range, to: .file(file), offset: Int64(offset), context: context),
                of: token)
        case .open(let path, let directory, let flags, let mode, let resolution):
            let userData = unsafe ringPool.open(
                path: path.span.bytes, from: directory, flags: flags, mode: mode, resolution: resolution,
                context: Self.context(.open, token))
            note(userData, of: token)
        case .status(let file): note(ringPool.status(of: file, context: context), of: token)
        case .sync(let file, let dataOnly):
            note(ringPool.sync(.file(file), isDataOnly: dataOnly, context: context), of: token)
        case .rename(let path, let directory, let newPath, let newDirectory):
            let userData = unsafe ringPool.rename(
                path: path.span.bytes, in: directory, to: newPath.span.bytes, in: newDirectory, context: context)
            note(userData, of: token)
        case .unlink(let path, let directory, let isDirectory):
            let userData = unsafe ringPool.unlink(
                path: path.span.bytes, in: directory, isDirectory: isDirectory, context: context)
            note(userData, of: token)
        case .makeDirectory(let path, let directory, let mode):
            let userData = unsafe ringPool.makeDirectory(
                path: path.span.bytes, in: directory, mode: mode, context: context)
            note(userData, of: token)
        case .connect(let address): connect(to: address, token)
        case .sleep(let duration):
            let userData = Self.userData(of: token)
            ring.timeout(after: duration, userData: userData)
            note(userData, of: token)
        }
    }

    /// The user data of an operation that does not go through the ring pool.
    private static func userData(of token: OperationToken) -> UInt64 {
        Kind.operation.rawValue << 56 | UInt64(token.generation) << 32 | UInt64(token.index)
    }

    private func connect(to address: SocketAddress, _ token: OperationToken) {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.family.rawValue, kind, 0)
        guard descriptor >= 0 else {
            // Reported with the events of the next turn.
            operationFailures[token.index] = errno
            return ring.nop(userData: Self.userData(of: token))
        }
        // Without it a message in two sends waits 40 ms for an acknowledgement. A failure does not matter.
        var on: Int32 = 1
        unsafe _ = setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        operationDescriptors[token.index] = descriptor
        let userData = address.withSockaddr { name in
            ringPool.connect(.file(descriptor), to: name, context: Self.context(.connect, token))
        }
        note(userData, of: token)
    }

    /// Clears `O_NONBLOCK`. A file is opened with it, because it may turn out to be a pipe or a device. On a regular
    /// file, it would make reads of bytes that are not in the page cache fail with `EAGAIN`.
    private func waitForDisk(_ file: Int32) {
        var isNonblocking: Int32 = 0
        unsafe _ = ioctl(file, UInt(FIONBIO), &isNonblocking)
    }

    func cancel(_ token: OperationToken) {
        let userData = operationUserData[Int(token.index)]
        // The operation is over, or between the two parts of an open or a connect. It ends by itself.
        guard userData != 0 else { return }
        ring.cancel(userData, userData: KernelRing.userData(.other))
    }

    /// At most this much of a range is checked, because the kernel counts page by page.
    private static let sampleByteCount = 8 << 20

    func isResident(_ file: Int32, _ range: Range<Int>) -> Bool {
        let sample = range.prefix(Self.sampleByteCount)
        guard let byteCount = PageCache.residentByteCount(of: file, offset: sample.startIndex, count: sample.count)
        else { return true }
        return 2 * byteCount >= sample.count
    }

    func closeFile(_ file: Int32) { ring.close(.file(file), userData: KernelRing.userData(.other)) }

    var wallClockSeconds: Int { time(nil) }

    // MARK: Events

    func operationCompleted(_ completion: Completion, _ body: (consuming ReactorEvent) -> Void) {
        let token = Self.token(completion.userData)
        let failure = operationFailures.removeValue(forKey: token.index)
        if failure == nil { operationUserData[Int(token.index)] = 0 }
        body(.completed(token, OperationOutcome(result: failure.map { -$0 } ?? completion.result)))
    }

    func leaseOperationCompleted(_ completed: consuming RingPool.Completed, _ body: (consuming ReactorEvent) -> Void) {
        let token = Self.token(completed.context)
        let kind = LeaseKind(rawValue: completed.context >> 56)
        let result = completed.result
        let slot = completed.fileSlot
        operationUserData[Int(token.index)] = 0
        switch kind {
        case .open where result >= 0:
            operationDescriptors[token.index] = result
            note(ringPool.status(of: result, context: Self.context(.openedStatus, token)), of: token)
        case .connect where result >= 0:
            guard let descriptor = operationDescriptors[token.index] else {
                preconditionFailure("a connect has a socket")
            }
            note(ringPool.installFile(descriptor, context: Self.context(.install, token)), of: token)
        case .connect, .install:
            // The slot keeps the socket open.
            if let descriptor = operationDescriptors.removeValue(forKey: token.index) { closeFile(descriptor) }
            if let slot {
                unsafe zeroCopyRule.accepted(slot, ring, userData: KernelRing.userData(.peerName, slot))
            }
            body(.completed(token, OperationOutcome(result: slot.map { Int32($0) } ?? (result < 0 ? result : -ENFILE))))
        case .openedStatus:
            let descriptor = operationDescriptors.removeValue(forKey: token.index) ?? -1
            if result < 0 { closeFile(descriptor) }
            let status = completed.fileStatus
            if status?.kind == .regular { waitForDisk(descriptor) }
            body(.completed(token, OperationOutcome(result: result < 0 ? result : descriptor, status: status)))
        case .open, .operation:
            let status = completed.fileStatus
            body(.completed(token, OperationOutcome(result: result, lease: completed.takeLease(), status: status)))
        case .send, nil: assertionFailure("sends are not operations of tasks")
        }
    }
}
