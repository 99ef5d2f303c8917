import Glibc
import Synchronization
import ZeroPoolURing

/// Accepts connections for ever, and serves each in a task on Swift's shared threads.
func serve(on ring: RingActor, _ listener: Int32) async {
    while true {
        let client = await ring.accept(on: listener)
        guard client >= 0 else { continue }
        Task {
            let buffers = ConnectionBuffers()
            while true {
                let bytes = await ring.receive(from: client, buffers)
                guard !bytes.isEmpty, await ring.send(bytes, to: client, buffers) else { break }
            }
            close(client)
        }
    }
}

/// The ring as an actor. It runs on one thread, which also waits for completions.
@safe
actor RingActor {
    private nonisolated let executor = RingExecutor()
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    private var ring: OpenRing?
    private var waiters: [UInt64: UnsafeContinuation<Int32, Never>] = unsafe [:]
    private var lastUserData: UInt64 = 1
    /// The user data of the poll for jobs from other threads.
    private static let bell: UInt64 = 1

    /// Runs the actor on the calling thread, for ever.
    nonisolated func run() -> Never {
        while true {
            executor.runJobs()
            assumeIsolated { $0.wait() }
        }
    }

    private func wait() {
        do throws(RingError) {
            let ring = try openRing()
            try ring.ring.submitAndWait()
            var isBellRung = false
            _ = ring.ring.forEachCompletion { completion in
                if completion.userData == Self.bell {
                    isBellRung = true
                } else if let waiter = unsafe waiters.removeValue(forKey: completion.userData) {
                    unsafe waiter.resume(returning: completion.result)
                }
            }
            guard isBellRung else { return }
            executor.hearBell()
            armBell()
        } catch {
            fatalError("\(error)")
        }
    }

    /// The ring, made on its thread when it is first needed.
    private func openRing() throws(RingError) -> OpenRing {
        if let ring { return ring }
        let opened = OpenRing(try Ring())
        ring = opened
        armBell()
        return opened
    }

    private func armBell() { ring?.ring.poll(.file(executor.bell), events: UInt32(POLLIN), userData: Self.bell) }

    // MARK: Operations

    /// Prepares an operation and waits for its result.
    private func perform(_ prepare: (borrowing Ring, _ userData: UInt64) -> Void) async -> Int32 {
        await unsafe withUnsafeContinuation { continuation in unsafe begin(prepare, continuation) }
    }

    private func begin(
        _ prepare: (borrowing Ring, _ userData: UInt64) -> Void, _ continuation: UnsafeContinuation<Int32, Never>
    ) {
        lastUserData += 1
        unsafe waiters[lastUserData] = continuation
        guard let ring = try? openRing() else { fatalError("no ring") }
        prepare(ring.ring, lastUserData)
    }

    func accept(on listener: Int32) async -> Int32 {
        let client = await perform { ring, userData in
            ring.accept(on: .file(listener), multishot: false, userData: userData)
        }
        var isSet: Int32 = 1
        unsafe setsockopt(client, Int32(IPPROTO_TCP), TCP_NODELAY, &isSet, socklen_t(MemoryLayout<Int32>.size))
        return client
    }

    /// What came in, copied; nothing at the end of the stream.
    func receive(from socket: Int32, _ buffers: ConnectionBuffers) async -> [UInt8] {
        let count = await perform { ring, userData in
            // SAFETY: the buffers live as long as their connection's task, which waits here.
            unsafe ring.receive(from: .file(socket), into: buffers.received, userData: userData)
        }
        return unsafe Array(buffers.received.prefix(max(0, Int(count))))
    }

    /// - Returns: false when the peer is gone.
    func send(_ bytes: [UInt8], to socket: Int32, _ buffers: ConnectionBuffers) async -> Bool {
        unsafe buffers.sent.copyBytes(from: bytes)
        var start = 0
        while start < bytes.count {
            let range = start..<bytes.count
            let count = await perform { ring, userData in
                // SAFETY: as above.
                unsafe ring.send(
                    to: .file(socket), from: UnsafeRawBufferPointer(rebasing: buffers.sent[range]), userData: userData)
            }
            guard count > 0 else { return false }
            start += Int(count)
        }
        return true
    }
}

/// A ring that several owners can name.
private final class OpenRing {
    let ring: Ring

    init(_ ring: consuming Ring) { self.ring = ring }
}

/// Runs the actor's jobs on the ring's thread; other threads ring a bell.
final class RingExecutor: SerialExecutor, Sendable {
    /// The two ends of a pipe.
    let bell: Int32
    private let bellButton: Int32
    private let jobs = Mutex<[UnownedJob]>([])

    init() {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { fatalError("no pipe") }
        (bell, bellButton) = (ends[0], ends[1])
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isFirst = jobs.withLock { jobs in
            jobs.append(job)
            return jobs.count == 1
        }
        if isFirst {
            var byte: UInt8 = 0
            unsafe write(bellButton, &byte, 1)
        }
    }

    func runJobs() {
        let ready = jobs.withLock { jobs in
            let ready = jobs
            jobs.removeAll(keepingCapacity: true)
            return ready
        }
        for job in ready { unsafe job.runSynchronously(on: asUnownedSerialExecutor()) }
    }

    func hearBell() {
        var byte: UInt8 = 0
        unsafe read(bell, &byte, 1)
    }

    func checkIsolated() {}
}

/// Memory that stays where it is while the kernel uses it.
@safe
final class ConnectionBuffers: @unchecked Sendable {
    static let byteCount = 65536
    let received = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
    let sent = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)

    deinit {
        unsafe received.deallocate()
        unsafe sent.deallocate()
    }
}
