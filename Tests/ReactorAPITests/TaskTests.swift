import Dispatch
import Glibc
import Logging
import SystemSupport
import Testing
import ZeroPool
import ZeroPoolReactor

extension ReactorAPITests {
    @Suite("Tasks and threads")
    struct TaskTests {
        @Test("A handler that awaits an actor, a sleep, a logger or another thread comes back to its reactor's thread")
        func comesBack() async throws {
            actor Counter {
                var count = 0
                func add() -> UInt {
                    count += 1
                    return threadIdentity()
                }
            }
            let counter = Counter()
            let logger = Logger(label: "test")
            let threads = Report<[UInt]>()
            let elsewhere = Report<UInt>()
            try await withServer { connection in
                var seen = [threadIdentity()]
                // An actor without an executor of its own runs where the task that calls it wants to.
                seen.append(await counter.add())
                seen.append(threadIdentity())
                try await Task.sleep(for: .milliseconds(5))
                seen.append(threadIdentity())
                logger.debug("here")
                let resumer = await withCheckedContinuation { (continuation: CheckedContinuation<UInt, Never>) in
                    DispatchQueue.global().async { continuation.resume(returning: threadIdentity()) }
                }
                elsewhere.tell(resumer)
                seen.append(threadIdentity())
                let sum = await withTaskGroup(of: UInt.self) { group in
                    for _ in 0..<4 { group.addTask { threadIdentity() } }
                    return await group.reduce(into: [UInt]()) { $0.append($1) }
                }
                seen += sum
                async let child = threadIdentity()
                seen.append(await child)
                connection.reactor.post { _ in }
                if let buffer = try await connection.receive() { try await connection.send(buffer) }
                seen.append(threadIdentity())
                threads.tell(seen)
            } clients: { server in
                let peer = try server.peer()
                try peer.send("x")
                #expect(try peer.receiveAll() == Array("x".utf8))
                let seen = try threads.wait()[0]
                #expect(seen.count == 11 && Set(seen).count == 1, "\(seen)")
                let others = try elsewhere.wait()
                #expect(!others.contains(seen[0]) && !seen.contains(threadIdentity()))
            }
        }

        @Test("Child tasks receive and send at once, and a thrown error cancels the other")
        func taskGroup() async throws {
            struct Failure: Error {}
            let errors = Report<IOError?>()
            try await withServer { connection in
                do {
                    try await withThrowingTaskGroup { group in
                        group.addTask {
                            errors.tell(
                                await failure { () async throws(IOError) in _ = try await connection.receive() })
                        }
                        group.addTask {
                            try await connection.reactor.sleep(for: .milliseconds(20))
                            throw Failure()
                        }
                        for try await _ in group {}
                    }
                } catch is Failure {}
                // The connection works on.
                if let buffer = try await connection.receive() { try await connection.send(buffer) }
            } clients: { server in
                let peer = try server.peer()
                expect(try errors.wait()[0], .receive, .cancelled, ECANCELED)
                try peer.send("still there")
                #expect(try peer.receiveAll() == Array("still there".utf8))
            }
        }

        @Test("An async let that was not awaited is cancelled with its scope")
        func asyncLet() async throws {
            let errors = Report<IOError?>()
            try await withServer { connection in
                func race() async {
                    async let _: Void = errors.tell(
                        await failure { () async throws(IOError) in _ = try await connection.receive() })
                    try? await connection.reactor.sleep(for: .milliseconds(20))
                }
                await race()
                try await connection.send(connection.reactor.pool.lease([9]))
            } clients: { server in
                let peer = try server.peer()
                #expect(try peer.receiveAll() == [9])
                expect(try errors.wait()[0], .receive, .cancelled, ECANCELED)
            }
        }

        @Test("Cancelling a parent ends its children's receive, send, sleep and wait for a buffer")
        func parentCancelled() async throws {
            let errors = Report<IOError?>()
            let handlers = Report<Task<Void, Never>>()
            try await withServer { connection in
                let reactor = connection.reactor
                let parent = Task(executorPreference: reactor) {
                    await withTaskGroup { group in
                        group.addTask {
                            errors.tell(
                                await failure { () async throws(IOError) in _ = try await connection.receive() })
                        }
                        group.addTask {
                            errors.tell(
                                await failure { () async throws(IOError) in
                                    try await connection.send(
                                        reactor.pool.lease([UInt8](repeating: 7, count: 16 << 20)))
                                    try await connection.flush()
                                })
                        }
                        group.addTask {
                            errors.tell(
                                await failure { () async throws(IOError) in try await reactor.sleep(for: .seconds(100))
                                })
                        }
                    }
                }
                handlers.tell(parent)
                await parent.value
                connection.reset()
            } clients: { server in
                let peer = try Peer(server.address, receiveBufferByteCount: 4096)
                let parent = try handlers.wait()[0]
                usleep(50_000)
                #expect(errors.all.isEmpty)
                // From another thread.
                parent.cancel()
                let all = try errors.wait(3)
                #expect(Set(all.map { $0?.operation }) == [.receive, .send, .sleep])
                #expect(all.allSatisfy { $0?.reason == .cancelled && $0?.errno == ECANCELED })
                _ = peer
            }
        }

        @Test("A task that was cancelled before it waits does not wait")
        func cancelledBefore() async throws {
            let errors = Report<IOError?>()
            try await withServer { connection in
                let reactor = connection.reactor
                let task = Task(executorPreference: reactor) {
                    while !Task.isCancelled { await Task.yield() }
                    errors.tell(await failure { () async throws(IOError) in _ = try await connection.receive() })
                    errors.tell(
                        await failure { () async throws(IOError) in try await reactor.sleep(for: .seconds(100)) })
                }
                task.cancel()
                await task.value
            } clients: { server in
                let peer = try server.peer()
                let all = try errors.wait(2)
                expect(all[0], .receive, .cancelled, ECANCELED)
                expect(all[1], .sleep, .cancelled, ECANCELED)
                #expect(try peer.receiveAll() == [])
            }
        }

        @Test("Tasks that a handler leaves behind get an error, and don't keep the connection open")
        func leftBehind() async throws {
            let errors = Report<IOError?>()
            try await withServer { connection in
                let reactor = connection.reactor
                Task(executorPreference: reactor) {
                    errors.tell(await failure { () async throws(IOError) in _ = try await connection.receive() })
                }
                try await reactor.sleep(for: .milliseconds(20))
            } clients: { server in
                let peer = try server.peer()
                #expect(try peer.receiveAll() == [])
                expect(try errors.wait()[0], .receive, .ended, ECONNABORTED)
                // Its linger time ends, though this peer keeps its own side open.
                #expect(eventually { (try? peer.send("x")) == nil })
            }
        }

        @Test("Work that threads post runs on the reactor's thread, in each thread's order")
        func post() async throws {
            let pool = BufferPool()
            let reactors = try ReactorGroup(pool: pool, configuration: testConfiguration())
            let reactor = reactors.reactors[0]
            let thread = await Task(executorPreference: reactor) { threadIdentity() }.value
            #expect(thread != threadIdentity())
            let seen = Report<(poster: Int, number: Int, thread: UInt)>()
            let posters = try (0..<4).map { poster in
                try SystemThread<Void> {
                    for number in 0..<1000 { reactor.post { _ in seen.tell((poster, number, threadIdentity())) } }
                }
            }
            for poster in posters { poster.join() }
            let all = try seen.wait(4000)
            #expect(all.allSatisfy { $0.thread == thread })
            for poster in 0..<4 { #expect(all.filter { $0.poster == poster }.map(\.number) == Array(0..<1000)) }
            reactors.drain()
            try await reactors.waitForEnd()
            // Dropped, not kept.
            reactor.post { _ in Issue.record("the reactor has ended") }
        }

        @Test("A task of a reactor that has ended goes on, and what it awaits of the reactor throws")
        func endedReactor() async throws {
            let reactors = try ReactorGroup(pool: BufferPool(), configuration: testConfiguration())
            let reactor = reactors.reactors[0]
            let early = Task(executorPreference: reactor) {
                try? await Task.sleep(for: .milliseconds(300))
                return await failure { () async throws(IOError) in try await reactor.sleep(for: .seconds(1)) }
            }
            reactors.drain()
            try await reactors.waitForEnd()
            expect(await early.value, .sleep, .ended, ECONNABORTED)
            let late = await Task(executorPreference: reactor) {
                _ = reactor.deadline(after: .seconds(1))
                return await failure { () async throws(IOError) in _ = try await reactor.buffer(byteCount: 1) }
            }.value
            expect(late, .getBuffer, .ended, ECONNABORTED)
        }

        @Test("Blocking work runs on another thread, its result comes back, and a closed pool refuses")
        func blockingPool() async throws {
            let blocking = BlockingPool(threadLimit: 2)
            try await onReactor { reactor in
                let here = threadIdentity()
                let there = try await withThrowingTaskGroup(of: UInt.self) { group in
                    for _ in 0..<20 {
                        group.addTask {
                            let there = try await blocking.run {
                                usleep(1000)
                                return threadIdentity()
                            }
                            #expect(threadIdentity() == here)
                            return there
                        }
                    }
                    return try await group.reduce(into: Set<UInt>()) { $0.insert($1) }
                }
                #expect(!there.contains(here) && (1...2).contains(there.count))
                blocking.close()
                expect(
                    await failure { () async throws(IOError) in try await blocking.run {} }, .block, .system, ECANCELED)
            }
        }

        @Test("Tasks that yield to each other without end don't keep connections waiting")
        func yielding() async throws {
            try await withServer { connection in
                let spinner = Task(executorPreference: connection.reactor) {
                    while !Task.isCancelled { await Task.yield() }
                }
                while let buffer = try await connection.receive() { try await connection.send(buffer) }
                spinner.cancel()
            } clients: { server in
                let peer = try server.peer()
                try peer.send("x")
                #expect(try peer.receive(exactly: 1) == Array("x".utf8))
                peer.halfClose()
                #expect(try peer.receiveAll() == [])
            }
        }

        @Test("A sleep lasts as long as it was asked for")
        func sleep() async throws {
            try await onReactor { reactor in
                let clock = ContinuousClock()
                let time = try await clock.measure { try await reactor.sleep(for: .milliseconds(50)) }
                #expect(time >= .milliseconds(50) && time < .seconds(2))
            }
        }
    }
}
