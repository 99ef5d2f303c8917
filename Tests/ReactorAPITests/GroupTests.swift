import Glibc
import SystemSupport
import Testing
import ZeroPool
import ZeroPoolReactor

extension ReactorAPITests {
    @Suite("Groups")
    struct GroupTests {
        @Test("A drain lets handlers finish what was received; then their receive is nil")
        func drain() async throws {
            let received = Report<Int>()
            try await withServer { connection in
                while let buffer = try await connection.receive() {
                    received.tell(buffer.count)
                    try await connection.send(buffer)
                }
                #expect(connection.isDraining)
                try await connection.send(connection.reactor.pool.lease(Array("bye".utf8)))
            } clients: { server in
                let peer = try server.peer()
                try peer.send("x")
                _ = try received.wait()
                server.reactors.drain(for: .seconds(5))
                #expect(try peer.receiveAll() == Array("xbye".utf8))
                peer.halfClose()
                #expect(throws: SystemError.self) { try server.peer() }
            }
        }

        @Test("A drain's deadline cuts what is left: awaits throw, and unsent bytes are lost by a reset")
        func cutAfterDrain() async throws {
            let errors = Report<IOError?>()
            let statistics = try await withServer { connection in
                errors.tell(
                    await failure { () async throws(IOError) in
                        try await connection.send(connection.reactor.pool.lease([UInt8](repeating: 7, count: 16 << 20)))
                        try await connection.flush()
                    })
                errors.tell(
                    await failure { () async throws(IOError) in
                        try await connection.reactor.sleep(for: .seconds(100))
                    })
            } clients: { server in
                let peer = try Peer(server.address, receiveBufferByteCount: 4096)
                usleep(50_000)
                server.reactors.drain(for: .milliseconds(100))
                let all = try errors.wait(2)
                expect(all[0], .send, .cut, ECONNABORTED)
                #expect(all[1]?.operation == .sleep)
                #expect(throws: SystemError("recv", errno: ECONNRESET)) { try peer.receiveAll() }
            }
            #expect(statistics.connections.cut == 1)
        }

        @Test("A cut ends a drain at once")
        func cut() async throws {
            let errors = Report<IOError?>()
            try await withServer { connection in
                errors.tell(
                    await failure { () async throws(IOError) in
                        try await connection.send(connection.reactor.pool.lease([UInt8](repeating: 7, count: 16 << 20)))
                        try await connection.flush()
                    })
            } clients: { server in
                let peer = try Peer(server.address, receiveBufferByteCount: 4096)
                usleep(50_000)
                server.reactors.drain(for: .seconds(60))
                server.reactors.cut()
                expect(try errors.wait()[0], .send, .cut, ECONNABORTED)
                _ = peer
            }
        }

        @Test("Cancelling the task that serves drains the group")
        func serveCancelled() async throws {
            let pool = BufferPool()
            let reactors = try ReactorGroup(pool: pool, configuration: testConfiguration())
            let listener = try reactors.listen(at: SocketAddress(resolving: "127.0.0.1", port: 0))
            let serving = Task { try await reactors.serve(listener) { _ in } }
            try await onOwnThread {
                let peer = try Peer(listener.address)
                #expect(try peer.receiveAll() == [])
                peer.halfClose()
            }.get()
            serving.cancel()
            try await serving.value
            #expect(pool.leasedBufferCount == 0)
        }

        @Test("Two reactors serve one address, each connection on one of their threads")
        func twoReactors() async throws {
            let threads = Report<(index: Int, thread: UInt)>()
            try await withServer(testConfiguration { $0.reactorCount = 2 }) { connection in
                threads.tell((connection.reactor.index, threadIdentity()))
                while let buffer = try await connection.receive() { try await connection.send(buffer) }
            } clients: { server in
                #expect(server.reactors.reactors.map(\.index) == [0, 1])
                for _ in 0..<40 {
                    let peer = try server.peer()
                    try peer.send("x")
                    #expect(try peer.receive(exactly: 1).count == 1)
                    peer.halfClose()
                }
                let all = try threads.wait(40)
                #expect(Set(all.map(\.index)) == [0, 1])
                for index in 0..<2 { #expect(Set(all.filter { $0.index == index }.map(\.thread)).count == 1) }
            }
        }

        @Test("A port that another group has is refused")
        func portInUse() async throws {
            let first = try ReactorGroup(pool: BufferPool(), configuration: testConfiguration { $0.reactorCount = 2 })
            let listener = try first.listen(at: SocketAddress(resolving: "127.0.0.1", port: 0))
            #expect(throws: ReactorError.portInUse(listener.address.description)) {
                try first.listen(at: listener.address)
            }
            first.drain()
            try await first.waitForEnd()
        }

        @Test("Impossible configurations are errors")
        func configuration() throws {
            for count in [0, 129] {
                #expect(throws: ReactorError.self) {
                    try ReactorGroup(pool: BufferPool(), configuration: testConfiguration { $0.reactorCount = count })
                }
            }
        }

        @Test("Each buffer mode serves the same bytes", arguments: BufferMode.allCases)
        func modes(mode: BufferMode) async throws {
            try await withServer(testConfiguration { $0.bufferMode = mode }) { connection in
                while let buffer = try await connection.receive() { try await connection.send(buffer) }
            } clients: { server in
                let peer = try server.peer()
                let bytes = pattern(500_000)
                let sending = try SystemThread<Bool> { (try? peer.send(bytes)) != nil }
                #expect(try peer.receive(exactly: bytes.count) == bytes)
                #expect(sending.join())
            }
        }

        @Test("A group that nobody drains is cut when its last reference goes")
        func deinitialized() async {
            // In a process of its own, whose descriptors are all its own.
            await #expect(processExitsWith: .success) {
                let pool = BufferPool()
                let before = openDescriptorCount()
                var reactors: ReactorGroup? = try ReactorGroup(pool: pool, configuration: testConfiguration())
                precondition(openDescriptorCount() > before)
                _ = reactors
                reactors = nil
                precondition(eventually { openDescriptorCount() == before })
            }
        }
    }
}
