import Logging
import ServiceLifecycle
import SystemSupport
import Testing
import ZeroPool
import ZeroPoolReactor

extension ReactorAPITests.GroupTests {
    @Test("A group runs as a service, and a graceful shutdown drains it")
    func service() async throws {
        let pool = BufferPool()
        let reactors = try ReactorGroup(pool: pool, configuration: testConfiguration())
        let listener = try reactors.listen(at: SocketAddress(resolving: "127.0.0.1", port: 0))
        let services = ServiceGroup(
            services: [EchoService(reactors: reactors, listener: listener)], logger: Logger(label: "test"))
        let running = Task { try await services.run() }
        try await onOwnThread {
            let peer = try Peer(listener.address)
            try peer.send("served")
            #expect(try peer.receive(exactly: 6) == Array("served".utf8))
            await services.triggerGracefulShutdown()
            #expect(try peer.receiveAll() == [])
            peer.halfClose()
        }.get()
        try await running.value
        #expect(pool.leasedBufferCount == 0)
    }
}

/// As the documentation shows it.
struct EchoService: Service {
    let reactors: ReactorGroup
    let listener: Listener

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await reactors.serve(listener) { connection in
                while let buffer = try await connection.receive() { try await connection.send(buffer) }
            }
        } onGracefulShutdown: {
            reactors.drain(for: .seconds(10))
        }
    }
}
