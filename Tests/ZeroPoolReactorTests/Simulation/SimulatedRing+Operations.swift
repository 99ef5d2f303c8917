import Glibc
import ZeroPool
import ZeroPoolURing

@testable import ZeroPoolReactor

/// Operations that belong to no connection: files, and sleeps.
extension SimulatedRing {
    func takeBuffer(_ byteCount: Int) -> PooledBuffer? {
        // Without files there are buffers of one size, so that any of them can take the place of any other.
        guard let files else { return kernel.pool.tryGet(max(byteCount, kernel.parameters.bufferByteCount)) }
        return kernel.strikes(files.faults.blockShortage) ? nil : kernel.pool.tryGet(byteCount)
    }

    func perform(_ operation: consuming RingOperation, token: OperationToken) {
        require(operations[token] == nil, "a token is of one operation at a time")
        operations[token] = false
        let number = kernel.newOperation()
        switch consume operation {
        case .sleep(let duration):
            note("sleep")
            let (seconds, attoseconds) = duration.components
            let microseconds = Int(seconds) * 1_000_000 + Int(attoseconds / 1_000_000_000_000)
            start { [kernel] in
                let end = { (errno: Int32) in
                    guard kernel.running.removeValue(forKey: token) != nil else { return }
                    kernel.complete(number, .completed(token, result: -errno, nil, nil))
                }
                kernel.running[token] = { end(ECANCELED) }
                kernel.after(microseconds) { end(ETIME) }
            }
        case .open(let path, let directory, let flags, _, let resolution):
            note("open")
            require(rootDescriptor == nil || directory == rootDescriptor, "files are opened beneath the root")
            require(resolution == [.beneath, .noMagicLinks], "no path leads out of the root")
            guard let files else { return require(false, "nothing here asks for files") }
            let name = String(decoding: path, as: UTF8.self)
            start { files.open(name, past: flags & 0x4000 != 0, token, operation: number) }
        case .status(let file):
            note("status", SimulationTrace.none, Int(file))
            guard let files else { return require(false, "nothing here asks for files") }
            start { files.status(file, token, operation: number) }
        case .read(let lease, let byteCount, let file, let offset):
            note("read", SimulationTrace.none, byteCount)
            let room = lease.capacity - lease.count
            require(byteCount > 0 && byteCount <= room, "a read is of bytes that the lease has room for")
            let box = LeaseBox(lease)
            kernel.readingLeaseCount += 1
            guard let files else { return require(false, "nothing here asks for files") }
            start { files.read(box, byteCount: byteCount, from: file, offset: offset, token, operation: number) }
        default: require(false, "nothing here writes, renames, removes or connects")
        }
    }

    func cancel(_ token: OperationToken) {
        note("an operation is cancelled", SimulationTrace.none, Int(token.index))
        require(operations[token] == false, "an operation is cancelled once, while it is under way")
        operations[token] = true
        start { [kernel] in kernel.running[token]?() }
    }

    func closeFile(_ file: Int32) {
        note("a file is closed", SimulationTrace.none, Int(file))
        start { [files] in files?.close(file) }
    }

    private func start(_ action: @escaping () -> Void) { kernel.noted.append(.other(action)) }

    func isResident(_ file: Int32, _ range: Range<Int>) -> Bool { kernel.strikes(0.5) }

    /// A day of 2001.
    var wallClockSeconds: Int { 1_000_000_000 + kernel.now / 1_000_000 }
}

/// Makes the kernel hand over `.woken`, as an event counter does that the ring polls.
final class SimulatedBell: Bell, @unchecked Sendable {
    private unowned let kernel: SimulatedKernel

    init(_ kernel: SimulatedKernel) { self.kernel = kernel }

    func ring() { kernel.complete(kernel.newOperation(), .woken) }
}
