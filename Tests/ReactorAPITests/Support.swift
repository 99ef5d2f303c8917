import Glibc
import SystemSupport
import Testing
import ZeroPool
import ZeroPoolReactor

/// All of this target's tests, one after the other: they count descriptors and leases of the process.
@Suite("Reactor API", .serialized, .timeLimit(.minutes(2)))
struct ReactorAPITests {}

/// Bytes that differ from their neighbours.
func pattern(_ byteCount: Int, seed: Int = 0) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: byteCount) { bytes, count in
        for index in 0..<byteCount { bytes[index] = UInt8(truncatingIfNeeded: (index &+ seed) &* 31 &+ (index >> 8)) }
        count = byteCount
    }
}

extension BufferPool {
    /// A lease with these bytes.
    func lease(_ bytes: [UInt8]) -> PooledBuffer {
        var buffer = get(max(1, bytes.count))
        buffer.append(copying: bytes.span.bytes)
        return buffer
    }
}

/// Which thread runs this.
func threadIdentity() -> UInt { UInt(pthread_self()) }

/// What another task or thread tells the test.
final class Report<Value: Sendable>: Sendable {
    private let values = Monitor<[Value]>([])

    func tell(_ value: Value) { values.withLock { $0.append(value) } }

    var all: [Value] { values.withLock { $0 } }

    /// The first `count` values. Waits up to ten seconds, then reports a failure.
    func wait(_ count: Int = 1, sourceLocation: SourceLocation = #_sourceLocation) throws -> [Value] {
        for _ in 0..<10_000 {
            let all = all
            if all.count >= count { return all }
            usleep(1000)
        }
        Issue.record("nothing was reported", sourceLocation: sourceLocation)
        throw Silence()
    }

    struct Silence: Error {}
}

/// Waits up to ten seconds until `condition` holds.
func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<10_000 {
        if condition() { return true }
        usleep(1000)
    }
    return false
}

/// The error of an operation that should fail.
nonisolated(nonsending) func failure(
    _ body: nonisolated(nonsending) () async throws(IOError) -> Void
) async -> IOError? {
    do throws(IOError) {
        try await body()
        return nil
    } catch {
        return error
    }
}

func expect(
    _ error: IOError?, _ operation: IOError.Operation, _ reason: IOError.Reason, _ errno: Int32,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(error?.operation == operation, sourceLocation: sourceLocation)
    #expect(error?.reason == reason, sourceLocation: sourceLocation)
    #expect(error?.errno == errno, "\(error as Any)", sourceLocation: sourceLocation)
}

/// A thread that runs a test's body, which blocks.
final class TestThread: TaskExecutor {
    private let jobs = Monitor<(jobs: [UnownedJob], isOver: Bool)>(([], false))

    init() throws {
        _ = try SystemThread<Void> { [jobs, unownedExecutor = Unowned(self)] in
            while let job = jobs.wait(for: { state -> UnownedJob?? in
                if !state.jobs.isEmpty { return .some(state.jobs.removeFirst()) }
                return state.isOver ? .some(nil) : nil
            }) {
                guard let executor = unownedExecutor.executor else { return }
                job.runSynchronously(on: executor.asUnownedTaskExecutor())
            }
        }
    }

    private final class Unowned: @unchecked Sendable {
        weak var executor: TestThread?
        init(_ executor: TestThread) { self.executor = executor }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.jobs.append(job) }
    }

    func end() { jobs.withLock { $0.isOver = true } }
}

/// Reactors for tests: short grains, so that deadlines pass soon.
func testConfiguration(_ change: (inout ReactorGroup.Configuration) -> Void = { _ in }) -> ReactorGroup.Configuration {
    var configuration = ReactorGroup.Configuration()
    configuration.reactorCount = 1
    configuration.pinsThreads = false
    configuration.maxConnectionCount = 64
    configuration.deadlineGrainSeconds = 0.02
    configuration.drainSeconds = 5
    var limits = ConnectionLimits()
    limits.lingerSeconds = 0.5
    configuration.limits = limits
    change(&configuration)
    return configuration
}

/// Runs `body` as a task of a reactor; afterwards everything is home.
func onReactor<Value: Sendable>(
    _ configuration: ReactorGroup.Configuration = testConfiguration(),
    _ body: nonisolated(nonsending) @escaping @Sendable (Reactor) async throws -> Value
) async throws -> Value {
    let pool = BufferPool()
    let reactors = try ReactorGroup(pool: pool, configuration: configuration)
    let reactor = reactors.reactors[0]
    let result = await Task(executorPreference: reactor) { try await body(reactor) }.result
    reactors.drain(for: .seconds(2))
    try await reactors.waitForEnd()
    #expect(pool.leasedBufferCount == 0)
    return try result.get()
}

/// A group that serves.
struct TestServer: Sendable {
    let reactors: ReactorGroup
    let pool: BufferPool
    let address: SocketAddress

    func peer() throws -> Peer { try Peer(address) }
}

/// Serves with `handler` while `body` runs on a thread that may block; then drains, and everything is home.
@discardableResult
func withServer(
    _ configuration: ReactorGroup.Configuration = testConfiguration(), handler: @escaping Reactor.Handler,
    clients body: @escaping @Sendable (TestServer) async throws -> Void
) async throws -> ReactorStatistics {
    let pool = BufferPool()
    let reactors = try ReactorGroup(pool: pool, configuration: configuration)
    let listener = try reactors.listen(at: SocketAddress(resolving: "127.0.0.1", port: 0))
    let serving = Task { try await reactors.serve(listener, handler: handler) }
    let server = TestServer(reactors: reactors, pool: pool, address: listener.address)
    let result = try await onOwnThread { try await body(server) }
    reactors.drain(for: .seconds(3))
    try await serving.value
    let statistics = try await reactors.waitForEnd()
    #expect(pool.leasedBufferCount == 0)
    try result.get()
    return statistics
}

/// Runs what blocks on a thread of its own: Swift's shared threads are few, and the tests beside this one need them.
func onOwnThread(_ body: @escaping @Sendable () async throws -> Void) async throws -> Result<Void, any Error> {
    let thread = try TestThread()
    defer { thread.end() }
    return await Task(executorPreference: thread) { try await body() }.result
}

/// A client with an ordinary socket, whose calls give up after five seconds.
final class Peer: Sendable {
    let descriptor: Int32

    init(_ address: SocketAddress, receiveBufferByteCount: Int32? = nil) throws {
        descriptor = socket(address.family.rawValue, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError("socket") }
        var time = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        if var count = receiveBufferByteCount {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &count, socklen_t(MemoryLayout<Int32>.size))
        }
        try address.connect(descriptor)
    }

    deinit { Glibc.close(descriptor) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw SystemError("send") }
            sent += count
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Some bytes; none at the end of the stream.
    func receive(atMost byteCount: Int = 65_536) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        let count = recv(descriptor, &bytes, byteCount, 0)
        guard count >= 0 else { throw SystemError("recv") }
        return Array(bytes[..<count])
    }

    /// Exactly so many, unless the stream ends before.
    func receive(exactly byteCount: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < byteCount {
            let more = try receive(atMost: byteCount - bytes.count)
            if more.isEmpty { break }
            bytes += more
        }
        return bytes
    }

    /// Everything up to the end of the stream.
    func receiveAll() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let more = try receive()
            if more.isEmpty { return bytes }
            bytes += more
        }
    }

    func halfClose() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// The next close sends a reset.
    func resetOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// As many bytes as the socket takes within half a second, up to a limit.
    func sendUntilFull(_ byteCount: Int) -> Int {
        var time = timeval(tv_sec: 0, tv_usec: 500_000)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        let block = [UInt8](repeating: 7, count: 65_536)
        var sent = 0
        while sent < byteCount {
            let count = Glibc.send(descriptor, block, min(block.count, byteCount - sent), Int32(MSG_NOSIGNAL))
            if count <= 0 { break }
            sent += count
        }
        return sent
    }
}

/// Open descriptors of the process; with `path` those of that file.
func openDescriptorCount(of path: String? = nil) -> Int {
    guard let folder = opendir("/proc/self/fd") else { return -1 }
    defer { closedir(folder) }
    var count = 0
    while let entry = readdir(folder) {
        var target = [CChar](repeating: 0, count: Int(PATH_MAX))
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        let byteCount = readlink("/proc/self/fd/\(name)", &target, target.count)
        guard name != "\(dirfd(folder))", byteCount > 0 else { continue }
        if path == nil || path == String(decoding: target[..<byteCount].map(UInt8.init(bitPattern:)), as: UTF8.self) {
            count += 1
        }
    }
    return count
}

/// How a process ends that traps.
var trap: ExitTest.Condition {
    #if arch(arm64)
        .signal(SIGTRAP)
    #else
        .signal(SIGILL)
    #endif
}
