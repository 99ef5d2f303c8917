import Glibc
import SystemSupport
import Testing
import ZeroPool
import ZeroPoolReactor

extension ReactorAPITests {
    @Suite("Misuse traps")
    struct MisuseTests {
        @Test("Using a connection on another thread")
        func otherThread() async {
            await #expect(processExitsWith: trap) {
                try await misuse { connection in
                    try await Task.detached { _ = try await connection.receive() }.value
                }
            }
        }

        @Test("Two receives at once")
        func twoReceives() async {
            await #expect(processExitsWith: trap) {
                try await misuse { connection in
                    try await withThrowingTaskGroup { group in
                        for _ in 0..<2 { group.addTask { _ = try await connection.receive() } }
                        try await group.waitForAll()
                    }
                }
            }
        }

        @Test("Sending after the half-close")
        func sendAfterHalfClose() async {
            await #expect(processExitsWith: trap) {
                try await misuse { connection in
                    try await connection.halfClose()
                    try await connection.send(connection.reactor.pool.lease([1]))
                }
            }
        }

        @Test("Enqueueing after the half-close")
        func enqueueAfterHalfClose() async {
            await #expect(processExitsWith: trap) {
                try await misuse { connection in
                    try await connection.halfClose()
                    connection.enqueue(connection.reactor.pool.lease([1]))
                }
            }
        }

        @Test("A reactor's buffers on another thread")
        func buffersElsewhere() async {
            await #expect(processExitsWith: trap) {
                try await misuse { connection in
                    let reactor = connection.reactor
                    await Task.detached { _ = reactor.tryBuffer(byteCount: 1) }.value
                }
            }
        }

        @Test("Reading more than a lease has room for")
        func noRoom() async {
            await #expect(processExitsWith: trap) {
                try await misuse { connection in
                    let reactor = connection.reactor
                    let file = try await reactor.open("hostname", beneath: Directory(path: "/etc"))
                    _ = try await file.read(into: reactor.pool.lease([1]), byteCount: 1 << 30, at: 0)
                }
            }
        }

        @Test("Serving twice")
        func servingTwice() async {
            await #expect(processExitsWith: trap) {
                let reactors = try ReactorGroup(pool: BufferPool(), configuration: testConfiguration())
                let address = try SocketAddress(resolving: "127.0.0.1", port: 0)
                try await withThrowingTaskGroup { group in
                    for _ in 0..<2 { group.addTask { try await reactors.serve(at: address) { _ in } } }
                    try await group.waitForAll()
                }
            }
        }

        @Test("The same process ends in peace without misuse")
        func control() async {
            await #expect(processExitsWith: .success) {
                try await misuse { connection in
                    try await connection.send(connection.reactor.pool.lease([1]))
                    try await connection.halfClose()
                }
            }
        }
    }
}

/// Runs `handler` on a connection whose peer says nothing.
private func misuse(_ handler: @escaping Reactor.Handler) async throws {
    let ended = Report<Void>()
    try await withServer { connection in
        defer { ended.tell(()) }
        try await handler(connection)
    } clients: { server in
        let peer = try server.peer()
        _ = try ended.wait()
        _ = peer
    }
}
