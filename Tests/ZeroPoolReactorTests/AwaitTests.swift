import Glibc
import Testing
import ZeroPool

@testable import ZeroPoolReactor

/// What awaits of a handler promise, one at a time, in virtual time.
@Suite("Awaits of a handler", .serialized)
struct AwaitTests {
    /// What the awaits of one handler threw.
    private static func reason(_ work: nonisolated(nonsending) () async throws(IOError) -> Void) async -> String {
        do throws(IOError) {
            try await work()
            return "done"
        } catch {
            return error.reason.rawValue
        }
    }

    // MARK: Deadlines

    @Test("a receive whose deadline passes throws within two grains, and the connection works on")
    func receiveDeadline() throws {
        let world = HandlerWorld()
        let peer = world.connect()
        world.at(milliseconds: 50) { peer.send(10) }
        nonisolated(unsafe) let shared = world
        try world.run { connection in
            let start = shared.now
            let reason = await Self.reason { () throws(IOError) in
                _ = try await connection.receive(deadline: connection.reactor.deadline(after: .milliseconds(5)))
            }
            let isInTime = (5...7.1).contains(shared.now - start)
            shared.notes.add("\(reason) \(isInTime)")
            let lease = try await connection.receive()
            shared.notes.add("received \(lease?.count ?? 0)")
        }
        #expect(world.notes.lines == ["deadline true", "received 10"])
    }

    @Test("a send whose deadline passes goes on, and what follows it comes behind it")
    func sendDeadline() throws {
        var parameters = SimulatedKernel.Parameters()
        parameters.outboundCapacity = 2
        let world = HandlerWorld(parameters)
        let peer = world.connect()
        for time in 20...60 { world.at(milliseconds: Double(time)) { peer.read() } }
        nonisolated(unsafe) let shared = world
        try world.run { connection in
            // The first is on its way when it returns; the second waits for it.
            try await connection.send(try shared.lease([1, 2, 3, 4]))
            let reason = await Self.reason { () throws(IOError) in
                let lease = try shared.lease([5, 6, 7, 8])
                try await connection.send(lease, deadline: connection.reactor.deadline(after: .milliseconds(5)))
            }
            shared.notes.add("\(reason) \(connection.pendingBufferCount)")
            try await connection.send(try shared.lease([9]))
        }
        #expect(world.notes.lines == ["deadline 2"])
        #expect(world.sentBytes(to: peer) == [1, 2, 3, 4, 5, 6, 7, 8, 9])
    }

    // MARK: Cancellation

    /// Runs `work` in a child task that is cancelled after a while, or before it begins.
    private static func cancelled(
        after duration: Duration?, on reactor: Reactor,
        _ work: nonisolated(nonsending) @escaping @Sendable () async throws(IOError) -> Void
    ) async -> String {
        await withTaskGroup(of: String?.self) { group in
            if duration == nil { group.cancelAll() }
            group.addTask { await reason(work) }
            if let duration {
                group.addTask {
                    try? await reactor.sleep(for: duration)
                    return nil
                }
            }
            var result = "nothing"
            for await outcome in group {
                if let outcome { result = outcome }
                group.cancelAll()
            }
            return result
        }
    }

    @Test(
        "an await that is cancelled before or while it waits throws at once",
        arguments: [nil, Duration.milliseconds(5)])
    func cancelledAwaits(duration: Duration?) throws {
        var parameters = SimulatedKernel.Parameters()
        parameters.outboundCapacity = 4
        // All buffers wait for bytes.
        (parameters.bufferCount, parameters.providedBufferCount) = (1, 1)
        let world = HandlerWorld(parameters)
        let peer = world.connect()
        for time in 200...260 { world.at(milliseconds: Double(time)) { peer.read() } }
        nonisolated(unsafe) let shared = world
        try world.run { connection in
            let reactor = connection.reactor
            let start = shared.now
            let byteCount = shared.kernel.parameters.bufferByteCount
            shared.notes.add(
                await Self.cancelled(after: duration, on: reactor) { () throws(IOError) in
                    _ = try await connection.receive()
                })
            shared.notes.add(
                await Self.cancelled(after: duration, on: reactor) { () throws(IOError) in
                    try await reactor.sleep(for: .seconds(1000))
                })
            shared.notes.add(
                await Self.cancelled(after: duration, on: reactor) { () throws(IOError) in
                    _ = try await reactor.buffer(byteCount: byteCount)
                })
            connection.enqueue(try shared.lease([1, 2, 3, 4, 5, 6, 7, 8]))
            shared.notes.add(
                await Self.cancelled(after: duration, on: reactor) { () throws(IOError) in
                    try await connection.flush()
                })
            shared.notes.add("\(shared.now - start < 30)")
        }
        #expect(world.notes.lines == ["cancelled", "cancelled", "cancelled", "cancelled", "true"])
        // What was enqueued goes out all the same.
        #expect(world.sentBytes(to: peer).count == 8)
    }

    @Test("a read that is cancelled gives its lease back, whatever the disk makes of it")
    func cancelledRead() throws {
        var disk = SimulatedFiles.Faults()
        disk.delay = 100_000
        let world = HandlerWorld(disk: disk)
        world.files.put("f", .regular, byteCount: 1000)
        _ = world.connect()
        let root = try Directory(path: "/")
        nonisolated(unsafe) let shared = world
        try world.run(untilMilliseconds: 3000) { connection in
            let reactor = connection.reactor
            let file = try await reactor.open("f", beneath: root)
            for _ in 0..<20 {
                _ = await Self.reason { () throws(IOError) in
                    let buffer = try await reactor.buffer(byteCount: 1000)
                    let deadline = reactor.deadline(after: .milliseconds(1))
                    let read = try await file.read(into: buffer, at: 0, deadline: deadline)
                    shared.notes.add("read \(read.count)")
                }
            }
        }
        #expect(world.notes.lines.allSatisfy { $0 == "read 1000" } && world.notes.lines.count < 20)
    }

    // MARK: Limits

    @Test("a handler that does not receive pauses its peer at the limit, and it goes on at half")
    func unread() throws {
        var parameters = SimulatedKernel.Parameters()
        parameters.maxReceiveByteCount = 10
        let world = HandlerWorld(parameters, limits: ConnectionLimits(buffers: 8, bytes: 1 << 20))
        let peer = world.connect()
        for time in 1...60 { world.at(milliseconds: Double(time)) { peer.send(10) } }
        world.at(milliseconds: 100) { peer.shutdownWrite() }
        nonisolated(unsafe) let shared = world
        try world.run { connection in
            let reactor = connection.reactor
            try await reactor.sleep(for: .milliseconds(40))
            shared.notes.add("\(connection.inboxCount) \(connection.reception)")
            for _ in 0..<4 { _ = try await connection.receive() }
            shared.notes.add("\(connection.inboxCount) \(connection.reception)")
            _ = try await connection.receive()
            shared.notes.add("\(connection.reception)")
            var byteCount = 50
            while let lease = try await connection.receive() { byteCount += lease.count }
            shared.notes.add("\(byteCount)")
        }
        #expect(world.notes.lines == ["8 idle", "4 idle", "armedForOne", "600"])
    }

    @Test("flush returns when as many leases are left as it was told, and sends go in order")
    func flushing() throws {
        var parameters = SimulatedKernel.Parameters()
        parameters.outboundCapacity = 2
        let world = HandlerWorld(parameters)
        let peer = world.connect()
        for time in 1...60 { world.at(milliseconds: Double(time)) { peer.read() } }
        nonisolated(unsafe) let shared = world
        try world.run { connection in
            for value in 0..<5 as Range<UInt8> { connection.enqueue(try shared.lease([2 * value, 2 * value + 1])) }
            for count in [3, 1, 0] {
                try await connection.flush(to: count)
                shared.notes.add("\(connection.pendingBufferCount)")
            }
        }
        #expect(world.notes.lines == ["3", "1", "0"])
        #expect(world.sentBytes(to: peer) == Array(0..<10))
    }

    // MARK: Ends

    @Test("after a half-close receiving goes on, and the peer reads its end of stream")
    func halfClose() throws {
        let world = HandlerWorld()
        let peer = world.connect()
        world.at(milliseconds: 5) { [notes = world.notes] in
            notes.add("\(peer.read()) \(peer.read())")
            peer.send(10)
            peer.shutdownWrite()
        }
        nonisolated(unsafe) let shared = world
        try world.run { connection in
            connection.enqueue(try shared.lease([1, 2, 3]))
            try await connection.halfClose()
            var byteCount = 0
            while let lease = try await connection.receive() { byteCount += lease.count }
            shared.notes.add("received \(byteCount)")
        }
        #expect(world.notes.lines == ["bytes(3) endOfStream", "received 10"])
    }

    private struct Failure: Error {}

    @Test(
        "a handler that throws closes its connection, by a reset where bytes are lost",
        arguments: [(false, false, false), (true, false, true), (false, true, true)])
    func throwing(hasUnread: Bool, isWithinMessage: Bool, isReset: Bool) throws {
        let world = HandlerWorld()
        let peer = world.connect()
        if hasUnread { world.at(milliseconds: 1) { peer.send(10) } }
        try world.run { connection in
            connection.isWithinMessage = isWithinMessage
            try await connection.reactor.sleep(for: .milliseconds(5))
            throw Failure()
        }
        #expect(peer.read() == (isReset ? .reset : .endOfStream))
        #expect(world.reactor.statistics.bytes.discarded == (hasUnread ? 10 : 0))
    }

    @Test("a connection that failed takes nothing more, and its peer learns that something is missing")
    func sendAfterFailure() throws {
        let world = HandlerWorld()
        let peer = world.connect()
        nonisolated(unsafe) let shared = world
        try world.run { connection in
            connection.cut(.idle)
            connection.enqueue(try shared.lease([1]))
            shared.notes.add(
                await Self.reason { () throws(IOError) in
                    try await connection.send(try shared.lease([2]))
                })
        }
        #expect(world.notes.lines == [IOError.Reason.idle.rawValue])
        #expect(world.sentBytes(to: peer).isEmpty && peer.read() == .reset)
    }

    @Test("a connection that fails gives what is unread back at once, whatever its handler does")
    func dropsUnread() throws {
        let world = HandlerWorld()
        let peer = world.connect()
        for time in 1...3 { world.at(milliseconds: Double(time)) { peer.send(10) } }
        nonisolated(unsafe) let shared = world
        try world.run { connection in
            try await connection.reactor.sleep(for: .milliseconds(5))
            shared.notes.add("\(shared.reactor.queuedLeaseCount) \(connection.unreadBytes)")
            connection.reset()
            shared.notes.add("\(shared.reactor.queuedLeaseCount) \(connection.unreadBytes)")
        }
        #expect(world.notes.lines == ["3 30", "0 0"])
    }

    @Test("a handler that is at work while the server drains goes on, and is cut after the drain time")
    func drain() throws {
        let world = HandlerWorld()
        _ = world.connect()
        nonisolated(unsafe) let shared = world
        try world.run(untilMilliseconds: 10) { connection in
            shared.notes.add(
                await Self.reason { () throws(IOError) in
                    try await connection.reactor.sleep(for: .milliseconds(50))
                })
            var isOver = false
            if case .none = try await connection.receive() { isOver = true }
            shared.notes.add("\(connection.isDraining) \(isOver)")
            shared.notes.add(
                await Self.reason { () throws(IOError) in
                    try await connection.reactor.sleep(for: .seconds(5))
                })
            shared.notes.add(await Self.reason { () throws(IOError) in _ = try await connection.receive() })
        }
        #expect(world.notes.lines == ["done", "true true", IOError.Reason.cut.rawValue, IOError.Reason.cut.rawValue])
        #expect((0.1...0.2).contains(world.now / 1000))
    }

    @Test("work that others leave for a reactor is done in its order")
    func posting() throws {
        let world = HandlerWorld()
        world.at(milliseconds: 5) { [notes = world.notes, reactor = world.reactor] in
            for number in 0..<5 { reactor.postLater { _ in notes.add("\(number)") } }
        }
        try world.run { _ in }
        #expect(world.notes.lines == ["0", "1", "2", "3", "4"])
    }

    // MARK: Buffers

    @Test("awaits of a buffer are served in order, and one that gives up leaves the line")
    func bufferLine() throws {
        var parameters = SimulatedKernel.Parameters()
        (parameters.bufferCount, parameters.providedBufferCount) = (1, 0)
        let world = HandlerWorld(parameters)
        for _ in 0..<4 { _ = world.connect() }
        nonisolated(unsafe) let shared = world
        try world.run { connection in
            let reactor = connection.reactor
            let number = connection.number
            let byteCount = shared.kernel.parameters.bufferByteCount
            shared.notes.add(
                await Self.reason { () throws(IOError) in
                    // The first has the only one, the third gives up.
                    let deadline = number == 2 ? reactor.deadline(after: .milliseconds(3)) : nil
                    let buffer = try await reactor.buffer(byteCount: byteCount, deadline: deadline)
                    shared.notes.add("\(number)")
                    try await reactor.sleep(for: .milliseconds(10))
                    _ = consume buffer
                })
        }
        #expect(world.notes.lines == ["0", "deadline", "done", "1", "done", "3", "done"])
        #expect(world.reactor.statistics.blockWaits == 3)
    }
}

extension HandlerWorld {
    /// A lease with these bytes, from a pool of its own: the kernel's may have none left.
    func lease(_ bytes: [UInt8]) throws(IOError) -> PooledBuffer {
        guard var lease = AllocatedBuffers.tryGet(bytes.count) else { throw IOError(.getBuffer, errno: ENOMEM) }
        lease.append(copying: bytes.span.bytes)
        return lease
    }
}
