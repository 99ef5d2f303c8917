import Glibc
import SystemSupport
import Testing
import ZeroPool
import ZeroPoolReactor

extension ReactorAPITests {
    @Suite("Connecting")
    struct ConnectingTests {
        @Test("A reactor connects to a server, also to its own, and what is enqueued at the end still goes out")
        func echo() async throws {
            let received = Report<[UInt8]>()
            let bytes = pattern(300_000)
            try await withServer { connection in
                var all: [UInt8] = []
                while let buffer = try await connection.receive() { all += Array(copying: buffer) }
                received.tell(all)
            } clients: { server in
                let reactor = server.reactors.reactors[0]
                let result = try await Task(executorPreference: reactor) {
                    try await reactor.withConnection(to: server.address) { connection in
                        connection.enqueue(reactor.pool.lease(bytes))
                        return 7
                    }
                }.value
                #expect(result == 7)
                #expect(try received.wait()[0] == bytes)
            }
        }

        @Test("An address that refuses is an error with its errno, and leaves no descriptor")
        func refused() async throws {
            let address = try closedAddress()
            try await onReactor { reactor in
                do {
                    try await reactor.withConnection(to: address) { _ in _ = Issue.record("nobody listens") }
                } catch let error as IOError {
                    expect(error, .connect, .system, ECONNREFUSED)
                }
            }
            // In a process of its own, whose descriptors are all its own.
            await #expect(processExitsWith: .success) {
                let address = try closedAddress()
                try await onReactor { reactor in
                    let before = openDescriptorCount()
                    for _ in 0..<20 { try? await reactor.withConnection(to: address) { _ in } }
                    try await reactor.sleep(for: .milliseconds(10))
                    precondition(openDescriptorCount() == before)
                }
            }
        }

        @Test("A connect to a listener whose queue is full gives up at its deadline, and when it is cancelled")
        func fullListener() async throws {
            let full = try FullListener()
            try await onReactor { reactor in
                let deadline = reactor.deadline(after: .milliseconds(100))
                do {
                    try await reactor.withConnection(to: full.address, deadline: deadline) { _ in
                        _ = Issue.record("the queue was not full")
                    }
                } catch let error as IOError {
                    expect(error, .connect, .deadline, ETIMEDOUT)
                }
                let connecting = Task(executorPreference: reactor) {
                    try await reactor.withConnection(to: full.address) { _ in _ = Issue.record("the queue was not full")
                    }
                }
                try await reactor.sleep(for: .milliseconds(20))
                connecting.cancel()
                let error = await connecting.result.error as? IOError
                expect(error, .connect, .cancelled, ECANCELED)
            }
        }

        @Test("A cut ends connects that are under way and connections that were made")
        func cut() async throws {
            let full = try FullListener()
            let pool = BufferPool()
            let reactors = try ReactorGroup(pool: pool, configuration: testConfiguration())
            let reactor = reactors.reactors[0]
            let connecting = Task(executorPreference: reactor) {
                try await reactor.withConnection(to: full.address) { _ in _ = Issue.record("the queue was not full") }
            }
            let listener = try QuietListener()
            let connected = Report<Void>()
            let receiving = Task(executorPreference: reactor) {
                try await reactor.withConnection(to: listener.address) { connection in
                    connected.tell(())
                    _ = try await connection.receive()
                }
            }
            _ = try connected.wait()
            reactors.drain(for: .milliseconds(100))
            expect(await connecting.result.error as? IOError, .connect, .cut, ECONNABORTED)
            expect(await receiving.result.error as? IOError, .receive, .cut, ECONNABORTED)
            try await reactors.waitForEnd()
            #expect(pool.leasedBufferCount == 0)
        }

        @Test("A connection that its user throws out of is closed at once, by a reset where bytes are lost")
        func throwing() async throws {
            struct Failure: Error {}
            let listener = try QuietListener()
            try await onReactor { reactor in
                await #expect(throws: Failure.self) {
                    try await reactor.withConnection(to: listener.address) { connection in
                        connection.isWithinMessage = true
                        throw Failure()
                    }
                }
                return
            }
            let accepted = try listener.accept()
            var byte: UInt8 = 0
            #expect(recv(accepted, &byte, 1, 0) == -1 && errno == ECONNRESET)
            close(accepted)
        }

        @Test("IPv6 is served and connected to")
        func ipv6() async throws {
            let pool = BufferPool()
            let reactors = try ReactorGroup(pool: pool, configuration: testConfiguration())
            let listener = try reactors.listen(at: SocketAddress(resolving: "::1", port: 0))
            let serving = Task {
                try await reactors.serve(listener) { connection in
                    while let buffer = try await connection.receive() { try await connection.send(buffer) }
                }
            }
            let reactor = reactors.reactors[0]
            let answer = try await Task(executorPreference: reactor) {
                try await reactor.withConnection(to: listener.address) { connection in
                    try await connection.send(pool.lease([1, 2, 3]))
                    guard let buffer = try await connection.receive() else { return [UInt8]() }
                    return [UInt8](copying: buffer)
                }
            }.value
            #expect(answer == [1, 2, 3])
            reactors.drain()
            try await serving.value
            #expect(pool.leasedBufferCount == 0)
        }

        @Test("A file table that is full is an error, and there is room again afterwards")
        func fullTable() async throws {
            let listener = try QuietListener(backlog: 200)
            let configuration = testConfiguration { $0.maxConnectionCount = 4 }
            let errors = try await onReactor(configuration) { reactor in
                var errors: [IOError] = []
                for round in 0..<2 {
                    let results = await withTaskGroup(of: IOError?.self) { group in
                        for _ in 0..<50 {
                            group.addTask { () async -> IOError? in
                                do {
                                    try await reactor.withConnection(to: listener.address) { _ in
                                        try await reactor.sleep(for: .milliseconds(100))
                                    }
                                    return nil
                                } catch { return error as? IOError }
                            }
                        }
                        return await group.reduce(into: [IOError?]()) { $0.append($1) }
                    }
                    #expect(results.contains { $0 == nil }, "round \(round)")
                    errors += results.compactMap { $0 }
                    // Those whose user has returned linger.
                    try await reactor.sleep(for: .seconds(1))
                }
                return errors
            }
            #expect(!errors.isEmpty)
            for error in errors { expect(error, .connect, .system, ENFILE) }
        }
    }
}

extension Result {
    var error: (any Error)? {
        if case .failure(let error) = self { return error }
        return nil
    }
}

/// A loopback address that nobody listens at.
func closedAddress() throws -> SocketAddress { try QuietListener().address }

/// Listens, and accepts when it is asked.
final class QuietListener: Sendable {
    let descriptor: Int32
    let address: SocketAddress

    init(backlog: Int32 = 16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try SocketAddress(resolving: "127.0.0.1", port: 0).bind(descriptor)
        guard listen(descriptor, backlog) == 0 else { throw SystemError("listen") }
        address = try SocketAddress(boundTo: descriptor)
    }

    deinit { close(descriptor) }

    func accept() throws -> Int32 {
        let accepted = Glibc.accept(descriptor, nil, nil)
        guard accepted >= 0 else { throw SystemError("accept") }
        return accepted
    }
}

/// A listener whose queue is full: the kernel drops what more wants to come in.
final class FullListener: Sendable {
    private let listener: QuietListener
    private let fillers: [Int32]
    var address: SocketAddress { listener.address }

    init() throws {
        listener = try QuietListener(backlog: 0)
        var fillers: [Int32] = []
        for _ in 0..<4 {
            let filler = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            try? listener.address.connect(filler)
            fillers.append(filler)
        }
        self.fillers = fillers
        usleep(20_000)
    }

    deinit { for filler in fillers { close(filler) } }
}
