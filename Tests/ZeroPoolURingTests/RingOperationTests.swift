import TestSupport
import Glibc
import Testing
import ZeroPoolURing

@Suite("Operations")
struct RingOperationTests {
    @Test("Send and receive move bytes between sockets")
    func sendAndReceive() throws {
        let ring = try Ring()
        let pair = try SocketPair()
        let outgoing = TestMemory(byteCount: 5000) { UInt8(truncatingIfNeeded: $0 &* 7) }
        let incoming = TestMemory(byteCount: 5000)
        ring.receive(from: .file(pair.far), into: incoming.bytes, waitAll: true, userData: 1)
        ring.send(
            to: .file(pair.near), from: UnsafeRawBufferPointer(rebasing: outgoing.readable[..<2000]), userData: 2)
        ring.send(
            to: .file(pair.near), from: UnsafeRawBufferPointer(rebasing: outgoing.readable[2000...]), userData: 3)
        let completions = try ring.reap(3)
        #expect(completions.first { $0.userData == 1 }?.result == 5000)
        #expect(incoming.readable.elementsEqual(outgoing.readable))
    }

    @Test("A failed operation keeps its user data and says why")
    func failedOperationKeepsUserData() throws {
        let ring = try Ring()
        ring.read(from: .file(-1), into: TestMemory(byteCount: 1).bytes, offset: 0, userData: UInt64.max >> 1)
        let completion = try ring.reapOne()
        #expect(completion.userData == UInt64.max >> 1)
        #expect(completion.errno == EBADF)
        #expect(completion.isFinal)
    }

    @Test("A send to a closed connection fails with EPIPE and raises no signal")
    func sendToClosedConnection() throws {
        let ring = try Ring()
        let pair = try SocketPair()
        shutdown(pair.near, Int32(SHUT_RDWR))
        let memory = TestMemory(byteCount: 16)
        ring.send(to: .file(pair.near), from: memory.readable, userData: 1)
        #expect(try ring.reapOne().errno == EPIPE)
    }

    @Test("Multishot accept accepts until it is cancelled")
    func multishotAccept() throws {
        let ring = try Ring()
        let listener = try LoopbackListener()
        ring.accept(on: .file(listener.descriptor), userData: 7)
        try ring.submit()
        let clients = try (0..<3).map { _ in try listener.connectedClient() }
        let accepted = try ring.reap(3)
        #expect(accepted.count == 3)
        #expect(accepted.allSatisfy { $0.userData == 7 && $0.result >= 0 && !$0.isFinal })
        for descriptor in accepted.map(\.result) {
            #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
            ring.close(.file(descriptor), userData: 8)
        }
        #expect(try ring.reap(3).allSatisfy { $0.userData == 8 && $0.result == 0 })
        ring.cancel(7, userData: 9)
        let last = try ring.reap(2)
        #expect(last.first { $0.userData == 9 }?.result == 1)
        let end = try #require(last.first { $0.userData == 7 })
        #expect(end.errno == ECANCELED)
        #expect(end.isFinal)
        clients.forEach { close($0) }
    }

    @Test("Connect and direct accept: a direct descriptor carries bytes, becomes a real one, and is closed")
    func directDescriptors() throws {
        let ring = try Ring()
        try ring.registerSparseFiles(count: 4)
        let listener = try LoopbackListener()
        let client = try check("socket", socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        defer { close(client) }
        let address = TestMemory(byteCount: MemoryLayout<sockaddr_in>.size)
        address.bytes.storeBytes(of: listener.address, as: sockaddr_in.self)
        ring.accept(on: .file(listener.descriptor), multishot: false, direct: true, userData: 1)
        ring.connect(.file(client), to: address.readable, userData: 2)
        let completions = try ring.reap(2)
        #expect(completions.first { $0.userData == 2 }?.result == 0)
        let accepted = try #require(completions.first { $0.userData == 1 })
        #expect(accepted.isFinal)
        let slot = try UInt32(exactly: #require(accepted.result >= 0 ? accepted.result : nil))!

        let memory = TestMemory(byteCount: 100) { UInt8($0) }
        ring.send(to: .direct(slot), from: memory.readable, userData: 3)
        #expect(try ring.reapOne().result == 100)
        #expect(try readText(from: client).utf8.count == 100)

        if ring.features.supports(.installDescriptor) {
            ring.installDescriptor(for: slot, userData: 4)
            let installed = try ring.reapOne().result
            #expect(fcntl(installed, F_GETFD) & FD_CLOEXEC != 0)
            try writeAll("real", to: installed)
            #expect(try readText(from: client) == "real")
            close(installed)
        }

        let name = TestMemory(byteCount: MemoryLayout<sockaddr_in>.size)
        ring.peerName(of: .direct(slot), into: name.bytes, userData: 9)
        let named = try ring.reapOne()
        // Before kernel 6.7 sockets take no commands.
        if named.errno != EOPNOTSUPP {
            #expect(named.result == Int32(MemoryLayout<sockaddr_in>.size))
            var own = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            try withUnsafeMutablePointer(to: &own) { own in
                try own.withMemoryRebound(to: sockaddr.self, capacity: 1) { own in
                    _ = try check("getsockname", getsockname(client, own, &length))
                }
            }
            let peer = name.bytes.load(as: sockaddr_in.self)
            #expect(peer.sin_port == own.sin_port && peer.sin_addr.s_addr == own.sin_addr.s_addr)
        }

        ring.poll(.direct(slot), events: UInt32(POLLIN), userData: 5)
        try ring.submit()
        ring.cancelAll(on: .direct(slot), userData: 6)
        let cancelled = try ring.reap(2)
        #expect(cancelled.first { $0.userData == 6 }?.result == 1)
        #expect(cancelled.first { $0.userData == 5 }?.errno == ECANCELED)

        ring.close(.direct(slot), userData: 7)
        #expect(try ring.reapOne().result == 0)
        ring.send(to: .direct(slot), from: memory.readable, userData: 8)
        #expect(try ring.reapOne().errno == EBADF)
    }

    @Test("More direct accepts than slots fail with ENFILE")
    func directTableIsFull() throws {
        let ring = try Ring()
        try ring.registerSparseFiles(count: 1)
        let listener = try LoopbackListener()
        ring.accept(on: .file(listener.descriptor), multishot: true, direct: true, userData: 1)
        try ring.submit()
        let clients = try (0..<2).map { _ in try listener.connectedClient() }
        let completions = try ring.reap(2)
        #expect(completions.map(\.result).contains(-ENFILE))
        clients.forEach { close($0) }
    }

    @Test("Shutdown ends one direction")
    func shutdownEndsOneDirection() throws {
        let ring = try Ring()
        let pair = try SocketPair()
        ring.shutdown(.file(pair.near), how: Int32(SHUT_WR), userData: 1)
        #expect(try ring.reapOne().result == 0)
        #expect(try readText(from: pair.far) == "")
        try writeAll("still open", to: pair.far)
        #expect(try readText(from: pair.near) == "still open")
    }

    @Test("Files are read and written at offsets")
    func filesAtOffsets() throws {
        let ring = try Ring()
        let file = try TemporaryFile([UInt8](repeating: 1, count: 100))
        let outgoing = TestMemory(byteCount: 50) { UInt8(100 + $0) }
        ring.write(to: .file(file.descriptor), from: outgoing.readable, offset: 80, userData: 1)
        #expect(try ring.reapOne().result == 50)
        let incoming = TestMemory(byteCount: 200)
        ring.read(from: .file(file.descriptor), into: incoming.bytes, offset: 70, userData: 2)
        #expect(try ring.reapOne().result == 60)
        #expect(incoming.readable[..<60].elementsEqual([UInt8](repeating: 1, count: 10) + outgoing.readable))
    }

    @Test("Timeouts end after a duration and at a point in time, and can be cancelled")
    func timeouts() throws {
        let ring = try Ring()
        let now = monotonicNanoseconds()
        let start = ContinuousClock.now
        ring.timeout(after: .milliseconds(80), userData: 1)
        ring.timeout(atMonotonicNanoseconds: now + 40_000_000, userData: 2)
        ring.timeout(after: .seconds(1000), userData: 3)
        let completions = try ring.reap(2)
        #expect(ContinuousClock.now - start >= .milliseconds(80))
        #expect(completions.map(\.userData) == [2, 1])
        #expect(completions.allSatisfy { $0.errno == ETIME })
        ring.cancelAll(userData: 4)
        let cancelled = try ring.reap(2)
        #expect(cancelled.first { $0.userData == 4 }?.result == 1)
        #expect(cancelled.first { $0.userData == 3 }?.errno == ECANCELED)
    }

    @Test("A multishot poll reports again and again")
    func multishotPoll() throws {
        let ring = try Ring()
        let pair = try SocketPair()
        ring.poll(.file(pair.near), events: UInt32(POLLIN), multishot: true, userData: 5)
        try ring.submit()
        for _ in 0..<3 {
            try writeAll("x", to: pair.far)
            let completion = try ring.reapOne()
            #expect(!completion.isFinal)
            #expect(UInt32(completion.result) & UInt32(POLLIN) != 0)
            #expect(try readText(from: pair.near) == "x")
        }
    }

    @Test("A message wakes another thread's ring")
    func messageWakesAnotherRing() throws {
        let receiver = try Ring()
        let target = receiver.fileDescriptor
        let sender = Thread {
            let ring = try Ring()
            ring.messageRing(target, targetUserData: 77, result: -3, userData: 1)
            return try ring.reapOne().result
        }
        let message = try receiver.reapOne()
        #expect(message.userData == 77)
        #expect(message.result == -3)
        #expect(try sender.join() == 0)
    }

    @Test("A zero-copy send ends with its notification, which says whether the loopback copied")
    func zeroCopySend() throws {
        let ring = try Ring()
        let listener = try LoopbackListener()
        let client = try listener.connectedClient()
        defer { close(client) }
        ring.accept(on: .file(listener.descriptor), multishot: false, userData: 1)
        let accepted = try ring.reapOne().result
        defer { close(accepted) }
        let memory = TestMemory(byteCount: 10_000) { UInt8($0 % 128) }
        ring.sendZeroCopy(to: .file(accepted), from: memory.readable, waitAll: true, userData: 2)
        try ring.submit()
        var received = 0
        while received < 10_000 { received += try readText(from: client).utf8.count }
        let completions = try ring.reap(2)
        try #require(completions.count == 2)
        #expect(completions[0].result == 10_000)
        #expect(!completions[0].isFinal)
        #expect(completions[1].flags.contains(.notification))
        #expect(completions[1].isFinal)
        #expect(completions[1].errno == nil)
        // The loopback always copies.
        #expect(completions[1].zeroCopyWasCopied == ring.features.reportsZeroCopyUsage)
    }
}
