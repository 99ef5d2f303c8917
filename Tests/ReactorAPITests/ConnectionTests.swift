import Glibc
import SystemSupport
import Testing
import ZeroPool
import ZeroPoolReactor

extension ReactorAPITests {
    @Suite("Connections")
    struct ConnectionTests {
        @Test("An echo handler sends back what came, and ends with the peer's end of stream")
        func echo() async throws {
            let statistics = try await withServer { connection in
                while let buffer = try await connection.receive() { try await connection.send(buffer) }
            } clients: { server in
                let peer = try server.peer()
                let bytes = pattern(100_000)
                try peer.send(bytes)
                #expect(try peer.receive(exactly: bytes.count) == bytes)
                peer.halfClose()
                #expect(try peer.receiveAll() == [])
            }
            #expect(statistics.connections.accepted == 1)
            #expect(statistics.connections.failed == 0)
            #expect(statistics.bytes.received == 100_000 && statistics.bytes.sent == 100_000)
        }

        @Test("Leases go out in the order in which they were enqueued, and none is held after a flush")
        func order() async throws {
            let held = Report<[Int]>()
            try await withServer { connection in
                let pool = connection.reactor.pool
                for number in 0..<20 { connection.enqueue(pool.lease(pattern(10_000, seed: number))) }
                let before = connection.pendingBufferCount
                try await connection.flush()
                held.tell([before, connection.pendingBufferCount])
            } clients: { server in
                let peer = try server.peer()
                #expect(try peer.receiveAll() == (0..<20).flatMap { pattern(10_000, seed: $0) })
            }
            #expect(try held.wait() == [[20, 0]])
        }

        @Test("A half-close ends the peer's stream, and receiving goes on")
        func halfClose() async throws {
            try await withServer { connection in
                connection.enqueue(connection.reactor.pool.lease(Array("last words".utf8)))
                try await connection.halfClose()
                var received: [UInt8] = []
                while let buffer = try await connection.receive() { received += Array(copying: buffer) }
                #expect(received == Array("and mine".utf8))
                #expect(!connection.canSend)
            } clients: { server in
                let peer = try server.peer()
                #expect(try peer.receiveAll() == Array("last words".utf8))
                try peer.send("and mine")
                peer.halfClose()
                #expect(try peer.receiveAll() == [])
            }
        }

        @Test("What a handler enqueued is sent after it has returned")
        func queuedAtTheEnd() async throws {
            let bytes = pattern(3_000_000)
            try await withServer { connection in
                for start in stride(from: 0, to: bytes.count, by: 50_000) {
                    connection.enqueue(connection.reactor.pool.lease(Array(bytes[start..<start + 50_000])))
                }
            } clients: { server in
                let peer = try server.peer()
                usleep(50_000)
                #expect(try peer.receiveAll() == bytes)
            }
        }

        @Test("A reset is an error for the peer, and for later awaits")
        func reset() async throws {
            let errors = Report<IOError?>()
            try await withServer { connection in
                connection.reset()
                errors.tell(await failure { () async throws(IOError) in _ = try await connection.receive() })
                errors.tell(
                    await failure { () async throws(IOError) in
                        try await connection.send(connection.reactor.pool.lease([1]))
                    })
            } clients: { server in
                let peer = try server.peer()
                #expect(throws: SystemError("recv", errno: ECONNRESET)) { try peer.receiveAll() }
            }
            for error in try errors.wait(2) { #expect(error?.reason == .reset && error?.errno == ECONNABORTED) }
        }

        @Test("A handler that throws amid a message resets its connection; one that owes nothing closes it")
        func throwing() async throws {
            struct Failure: Error {}
            try await withServer { connection in
                guard let buffer = try await connection.receive() else { return }
                connection.isWithinMessage = Array(copying: buffer) == [1]
                throw Failure()
            } clients: { server in
                let first = try server.peer()
                try first.send([1])
                #expect(throws: SystemError("recv", errno: ECONNRESET)) { try first.receiveAll() }
                let second = try server.peer()
                try second.send([2])
                #expect(try second.receiveAll() == [])
            }
        }

        @Test("The peer's reset is thrown with its operation and errno")
        func peerReset() async throws {
            let errors = Report<IOError?>()
            let statistics = try await withServer { connection in
                errors.tell(await failure { () async throws(IOError) in _ = try await connection.receive() })
            } clients: { server in
                var peer: Peer? = try server.peer()
                usleep(50_000)
                peer?.resetOnClose()
                peer = nil
                expect(try errors.wait()[0], .receive, .system, ECONNRESET)
                #expect(errors.all[0]?.description == "cannot receive: Connection reset by peer (errno 104)")
            }
            #expect(statistics.connections.failed == 1)
        }

        @Test("A receive gives up at its deadline, and the connection works on")
        func receiveDeadline() async throws {
            let errors = Report<IOError?>()
            try await withServer { connection in
                let deadline = connection.reactor.deadline(after: .milliseconds(60))
                errors.tell(
                    await failure { () async throws(IOError) in _ = try await connection.receive(deadline: deadline) })
                if let buffer = try await connection.receive() { try await connection.send(buffer) }
            } clients: { server in
                let peer = try server.peer()
                expect(try errors.wait()[0], .receive, .deadline, ETIMEDOUT)
                try peer.send("late")
                #expect(try peer.receiveAll() == Array("late".utf8))
            }
        }

        @Test("A send behind an unsent one gives up at its deadline, and both still go out")
        func sendDeadline() async throws {
            let errors = Report<IOError?>()
            let byteCount = 8 << 20
            try await withServer { connection in
                let deadline = connection.reactor.deadline(after: .milliseconds(60))
                let bytes = pattern(byteCount)
                try await connection.send(connection.reactor.pool.lease(Array(bytes.dropLast())), deadline: deadline)
                let error = await failure { () async throws(IOError) in
                    try await connection.send(connection.reactor.pool.lease(Array(bytes.suffix(1))), deadline: deadline)
                }
                errors.tell(error)
                errors.tell(
                    await failure { () async throws(IOError) in try await connection.flush(deadline: deadline) })
                errors.tell(
                    await failure { () async throws(IOError) in try await connection.halfClose(deadline: deadline) })
                #expect(connection.pendingBufferCount == 2)
            } clients: { server in
                let peer = try Peer(server.address, receiveBufferByteCount: 4096)
                let all = try errors.wait(3)
                expect(all[0], .send, .deadline, ETIMEDOUT)
                expect(all[1], .send, .deadline, ETIMEDOUT)
                expect(all[2], .halfClose, .deadline, ETIMEDOUT)
                #expect(try peer.receiveAll() == pattern(byteCount))
            }
        }

        @Test("A handler that does not receive pauses its peer at the limit on unread bytes")
        func backPressure() async throws {
            let mayRead = Report<Void>()
            let unread = Report<Int>()
            let total = Report<Int>()
            let limit = 256 * 1024
            try await withServer(
                testConfiguration {
                    $0.limits = ConnectionLimits(bufferByteCount: 65_536, unreadByteCount: limit)
                }
            ) { connection in
                while mayRead.all.isEmpty { try await connection.reactor.sleep(for: .milliseconds(5)) }
                unread.tell(connection.unreadBytes)
                var count = 0
                while let buffer = try await connection.receive() { count += buffer.count }
                total.tell(count)
            } clients: { server in
                let peer = try server.peer()
                let sent = peer.sendUntilFull(256 << 20)
                #expect(sent < 256 << 20, "the peer was never paused")
                mayRead.tell(())
                peer.halfClose()
                let unread = try unread.wait()[0]
                // What a receive brings at once, after its cancellation, comes on top.
                #expect(unread >= limit && unread <= 8 * limit, "\(unread)")
                #expect(try total.wait() == [sent])
            }
        }

        @Test("A connection without traffic is closed after the idle time")
        func idle() async throws {
            let errors = Report<IOError?>()
            let statistics = try await withServer(testConfiguration { $0.limits?.idleSeconds = 0.2 }) { connection in
                errors.tell(await failure { () async throws(IOError) in _ = try await connection.receive() })
            } clients: { server in
                let peer = try server.peer()
                #expect(try peer.receiveAll() == [])
                expect(try errors.wait()[0], .receive, .idle, ECONNABORTED)
            }
            #expect(statistics.connections.idle == 1)
        }

        @Test("Peers are identified where that is asked for, and limited by their address")
        func peerAddresses() async throws {
            let addresses = Report<PeerAddress?>()
            let statistics = try await withServer(
                testConfiguration {
                    $0.identifiesPeers = true
                    $0.maxConnectionCountPerAddress = 1
                }
            ) { connection in
                addresses.tell(connection.peerAddress)
                _ = try await connection.receive()
            } clients: { server in
                let first = try server.peer()
                #expect(try addresses.wait()[0]?.description == "127.0.0.1")
                let second = try server.peer()
                #expect(((try? second.receiveAll()) ?? []) == [])
                first.halfClose()
            }
            #expect(addresses.all.count == 1 && statistics.connections.refused == 1)
        }

        @Test("Beyond the limit connections are refused, and there is room again when one has ended")
        func connectionLimit() async throws {
            let statistics = try await withServer(testConfiguration { $0.maxConnectionCount = 1 }) { connection in
                while let buffer = try await connection.receive() { try await connection.send(buffer) }
            } clients: { server in
                var first: Peer? = try server.peer()
                try first?.send("a")
                #expect(try first?.receive(exactly: 1) == Array("a".utf8))
                let second = try server.peer()
                #expect(((try? second.receiveAll()) ?? []) == [])
                first?.halfClose()
                #expect(try first?.receiveAll() == [])
                first = nil
                usleep(50_000)
                let third = try server.peer()
                try third.send("c")
                #expect(try third.receive(exactly: 1) == Array("c".utf8))
                third.halfClose()
            }
            #expect(statistics.connections.refused == 1 && statistics.connections.accepted == 2)
        }

        @Test("A wait for a buffer that the pool does not have gives up at its deadline")
        func bufferDeadline() async throws {
            let pool = BufferPool.builder().numShards(1).maxByteCount(4 << 20).maxByteCountPerShard(4 << 20).build()
            let reactors = try ReactorGroup(pool: pool, configuration: testConfiguration { $0.bufferByteCount = 4096 })
            let reactor = reactors.reactors[0]
            let error = await Task(executorPreference: reactor) {
                var held: [Held] = []
                while let buffer = reactor.tryBuffer(byteCount: 65_536) { held.append(Held(buffer)) }
                #expect(!held.isEmpty)
                let deadline = reactor.deadline(after: .milliseconds(60))
                let error = await failure { () async throws(IOError) in
                    _ = try await reactor.buffer(byteCount: 65_536, deadline: deadline)
                }
                // And one comes when there is one.
                let waiting = Task(executorPreference: reactor) { try await reactor.buffer(byteCount: 65_536).capacity }
                try? await reactor.sleep(for: .milliseconds(20))
                held.removeAll()
                #expect((try? await waiting.value) == 65_536)
                return error
            }.value
            expect(error, .getBuffer, .deadline, ETIMEDOUT)
            reactors.drain()
            try await reactors.waitForEnd()
            #expect(pool.leasedBufferCount == 0)
        }
    }
}

/// A lease in an array.
final class Held {
    let buffer: PooledBuffer

    init(_ buffer: consuming PooledBuffer) { self.buffer = buffer }
}
