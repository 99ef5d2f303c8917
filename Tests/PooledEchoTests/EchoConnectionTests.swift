import Testing

@testable import PooledEcho

@Suite("EchoConnection")
struct EchoConnectionTests {
    private let limits = EchoConnection.Limits(queuedLeaseCount: 4, owedByteCount: 1000)

    /// All that is to be done now.
    private func actions(_ connection: inout EchoConnection) -> [EchoConnection.Action] {
        var actions: [EchoConnection.Action] = []
        while let action = connection.nextAction(limits) {
            actions.append(action)
            guard actions.count < 10 else {
                Issue.record("never satisfied: \(actions)")
                break
            }
        }
        return actions
    }

    private func opened() -> EchoConnection {
        var connection = EchoConnection()
        #expect(actions(&connection) == [.armReceive])
        return connection
    }

    private func received(_ connection: inout EchoConnection, _ byteCount: Int) {
        let isQueued = connection.received(byteCount: byteCount)
        #expect(isQueued)
    }

    private func sent(_ connection: inout EchoConnection, _ byteCount: Int, of remaining: Int) {
        let isWhole = connection.transmission.sent(byteCount: byteCount, of: remaining)
        #expect(isWhole == (byteCount == remaining))
    }

    @Test("a new connection receives")
    func receives() { _ = opened() }

    @Test("what comes in is sent, one lease at a time")
    func sendsOneAtATime() {
        var connection = opened()
        received(&connection, 10)
        #expect(actions(&connection) == [.send])
        received(&connection, 20)
        #expect(actions(&connection) == [])
        sent(&connection, 10, of: 10)
        #expect(actions(&connection) == [.send])
        sent(&connection, 20, of: 20)
        #expect(actions(&connection) == [])
        #expect(connection.owedByteCount == 0)
    }

    @Test("the rest of a short send goes next")
    func shortSend() {
        var connection = opened()
        received(&connection, 10)
        #expect(actions(&connection) == [.send])
        sent(&connection, 4, of: 10)
        #expect(connection.owedByteCount == 6)
        #expect(actions(&connection) == [.send])
        sent(&connection, 6, of: 6)
        #expect(connection.queuedLeaseCount == 0)
    }

    @Test("receiving that ends for no reason is armed again")
    func endsForNoReason() {
        var connection = opened()
        connection.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        #expect(actions(&connection) == [.armReceive])
    }

    @Test("receiving pauses at the limit of leases, and goes on below half of it")
    func pausesAtTheLeaseLimit() {
        var connection = opened()
        for _ in 0..<3 { received(&connection, 1) }
        #expect(actions(&connection) == [.send])
        received(&connection, 1)
        #expect(actions(&connection) == [.cancelReceive])
        // What the kernel still had is taken.
        received(&connection, 1)
        connection.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        #expect(actions(&connection) == [])
        for _ in 0..<2 {
            sent(&connection, 1, of: 1)
            #expect(actions(&connection) == [.send])
        }
        sent(&connection, 1, of: 1)
        #expect(actions(&connection) == [.send, .armReceive])
    }

    @Test("receiving pauses at the limit of bytes")
    func pausesAtTheByteLimit() {
        var connection = opened()
        received(&connection, 1000)
        #expect(actions(&connection) == [.send, .cancelReceive])
    }

    @Test("after the peer's end of stream the queue is sent, then the connection is closed")
    func endOfStream() {
        var connection = opened()
        received(&connection, 10)
        #expect(actions(&connection) == [.send])
        received(&connection, 10)
        connection.receiveEnded(isEndOfStream: true, isFailure: false, isStarved: false)
        #expect(actions(&connection) == [])
        sent(&connection, 10, of: 10)
        #expect(actions(&connection) == [.send])
        sent(&connection, 10, of: 10)
        #expect(actions(&connection) == [.close])
        #expect(connection.isClosed)
        #expect(actions(&connection) == [])
    }

    @Test("a connection without buffers waits its turn")
    func starvation() {
        var connection = opened()
        connection.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: true)
        #expect(actions(&connection) == [])
        connection.reception.fed()
        #expect(actions(&connection) == [.armReceive])
    }

    @Test("a failed receive ends the send, then resets what is owed")
    func failedReceive() {
        var connection = opened()
        received(&connection, 10)
        #expect(actions(&connection) == [.send])
        connection.receiveEnded(isEndOfStream: false, isFailure: true, isStarved: false)
        #expect(actions(&connection) == [.cancelSend])
        connection.sendFailed()
        #expect(actions(&connection) == [.reset])
    }

    @Test("a failed send ends receiving, drops what is queued, then resets")
    func failedSend() {
        var connection = opened()
        received(&connection, 10)
        #expect(actions(&connection) == [.send])
        connection.sendFailed()
        #expect(actions(&connection) == [.cancelReceive])
        let isQueued = connection.received(byteCount: 5)
        #expect(!isQueued)
        connection.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        #expect(actions(&connection) == [.reset])
    }

    @Test("a failed connection that starves no longer waits")
    func failedWhileStarved() {
        var connection = opened()
        received(&connection, 10)
        #expect(actions(&connection) == [.send])
        connection.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: true)
        connection.sendFailed()
        #expect(actions(&connection) == [.stopWaiting, .reset])
    }

    @Test("draining ends receiving, sends what is owed, shuts down, and discards until the end of the stream")
    func drains() {
        var connection = opened()
        received(&connection, 10)
        #expect(actions(&connection) == [.send])
        connection.drain()
        #expect(actions(&connection) == [.cancelReceive])
        received(&connection, 10)
        connection.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        sent(&connection, 10, of: 10)
        #expect(actions(&connection) == [.send])
        sent(&connection, 10, of: 10)
        #expect(actions(&connection) == [.shutdownWrite, .armReceive])
        connection.transmission.halfClosed()
        let isQueued = connection.received(byteCount: 99)
        #expect(!isQueued)
        #expect(actions(&connection) == [])
        connection.receiveEnded(isEndOfStream: true, isFailure: false, isStarved: false)
        #expect(actions(&connection) == [.close])
    }

    @Test("a connection is not closed while its write side is being shut down", arguments: [false, true])
    func halfCloses(isCut: Bool) {
        var connection = opened()
        connection.drain()
        #expect(actions(&connection) == [.cancelReceive])
        connection.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        #expect(actions(&connection) == [.shutdownWrite, .armReceive])
        if isCut {
            _ = connection.cut()
            #expect(actions(&connection) == [.cancelReceive])
        }
        connection.receiveEnded(isEndOfStream: !isCut, isFailure: false, isStarved: false)
        #expect(actions(&connection) == [])
        connection.transmission.halfClosed()
        #expect(actions(&connection) == [.close])
    }

    @Test("a connection is not closed while the kernel reads what was sent without a copy; cut then, it is reset")
    func zeroCopy() {
        var connection = opened()
        received(&connection, 10)
        #expect(actions(&connection) == [.send])
        connection.receiveEnded(isEndOfStream: true, isFailure: false, isStarved: false)
        sent(&connection, 10, of: 10)
        connection.transmission.sentZeroCopy()
        #expect(actions(&connection) == [])
        var stopped = connection
        let isNews = stopped.cut()
        #expect(isNews)
        #expect(actions(&stopped) == [.reset])
        connection.transmission.released(wasCopied: true)
        #expect(!connection.transmission.mayZeroCopy)
        #expect(actions(&connection) == [.close])
    }

    @Test("a cut loses bytes exactly when some are owed")
    func cut() {
        var idle = opened()
        let isNews = idle.cut()
        #expect(isNews && idle.isCut)
        #expect(actions(&idle) == [.cancelReceive])
        idle.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        #expect(actions(&idle) == [.close])

        var debtor = opened()
        received(&debtor, 10)
        #expect(actions(&debtor) == [.send])
        let isDebtorNews = debtor.cut()
        let isNewsAgain = debtor.cut()
        #expect(isDebtorNews && !isNewsAgain, "counted once")
        #expect(actions(&debtor) == [.cancelReceive, .cancelSend])
        debtor.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        var late = debtor
        debtor.sendFailed()
        #expect(actions(&debtor) == [.reset])
        sent(&late, 10, of: 10)
        #expect(actions(&late) == [.close], "what was under way went out after all")
    }

    @Test("who is to receive while others wait joins them, and receives when it is its turn")
    func joinsWaiting() {
        var connection = opened()
        connection.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        #expect(actions(&connection) == [.armReceive])
        connection.reception.joinWaiting()
        #expect(connection.receive == .waiting)
        #expect(actions(&connection) == [])
        connection.reception.fed()
        #expect(actions(&connection) == [.armReceive])
    }

    @Test("a connection whose turn comes while it owes too much waits until it owes less")
    func fedWhileAhead() {
        var connection = opened()
        for _ in 0..<4 { received(&connection, 1) }
        #expect(actions(&connection) == [.send, .cancelReceive])
        connection.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: true)
        connection.reception.fed()
        #expect(actions(&connection) == [])
        sent(&connection, 1, of: 1)
        #expect(actions(&connection) == [.send])
        sent(&connection, 1, of: 1)
        #expect(actions(&connection) == [.send, .armReceive])
    }

    @Test("where buffers are scarce a connection receives only when it owes nothing")
    func scarce() {
        var connection = opened()
        received(&connection, 1)
        #expect(connection.nextAction(limits.scarce) == .send)
        #expect(connection.nextAction(limits.scarce) == .cancelReceive)
        connection.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        #expect(connection.nextAction(limits.scarce) == nil)
        #expect(connection.isDebtor && connection.transmission.leaseCount == 1)
        sent(&connection, 1, of: 1)
        #expect(connection.nextAction(limits.scarce) == .armReceive)
        #expect(!connection.isDebtor && connection.transmission.leaseCount == 0)
    }

    @Test("bytes that come in after a cut are lost, and the peer learns of it by a reset")
    func receivesAfterCut() {
        var connection = opened()
        _ = connection.cut()
        #expect(actions(&connection) == [.cancelReceive])
        let isQueued = connection.received(byteCount: 1)
        #expect(!isQueued)
        connection.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        #expect(actions(&connection) == [.reset])
    }

    @Test("what comes in after the half-close of a drain is no loss, also when the drain is cut")
    func discardsThenCut() {
        var connection = opened()
        connection.drain()
        #expect(actions(&connection) == [.cancelReceive])
        connection.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        #expect(actions(&connection) == [.shutdownWrite, .armReceive])
        connection.transmission.halfClosed()
        let isQueued = connection.received(byteCount: 1)
        _ = connection.cut()
        #expect(!isQueued)
        #expect(actions(&connection) == [.cancelReceive])
        connection.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        #expect(actions(&connection) == [.close])
    }

    @Test("a held connection does nothing before its peer is identified, and then all that it missed")
    func held() {
        var connection = EchoConnection(isHeld: true)
        #expect(actions(&connection) == [])
        connection.reception.identified()
        #expect(actions(&connection) == [.armReceive])

        var drained = EchoConnection(isHeld: true)
        drained.drain()
        #expect(actions(&drained) == [])
        drained.reception.identified()
        #expect(actions(&drained) == [.shutdownWrite, .armReceive])

        var cut = EchoConnection(isHeld: true)
        _ = cut.cut()
        #expect(actions(&cut) == [])
        cut.reception.identified()
        #expect(actions(&cut) == [.close])
    }

    @Test(
        "the limit on leases follows that on bytes, and is never less than 16",
        arguments: [
            (4096, nil, 256, 1 << 20), (65_536, nil, 16, 1 << 20), (1 << 20, nil, 16, 4 << 20), (65_536, 1, 16, 1),
            (65_536, 4 << 20, 64, 4 << 20),
        ] as [(Int, Int?, Int, Int)])
    func limitsOfSizes(bufferByteCount: Int, owed: Int?, leases: Int, bytes: Int) {
        let limits = EchoConnection.Limits(bufferByteCount: bufferByteCount, owedByteCount: owed)
        #expect(limits.queuedLeaseCount == leases && limits.owedByteCount == bytes)
    }

    @Test(
        "a receive for one buffer is not cancelled when its bytes make the connection owe too much; it ends by itself")
    func oneBuffer() {
        var connection = EchoConnection()
        #expect(connection.nextAction(limits.scarce) == .armReceive)
        connection.reception.limitToOne()
        received(&connection, 1)
        #expect(connection.nextAction(limits.scarce) == .send)
        #expect(connection.nextAction(limits.scarce) == nil)
        connection.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        #expect(connection.nextAction(limits.scarce) == nil)
        sent(&connection, 1, of: 1)
        #expect(connection.nextAction(limits.scarce) == .armReceive)
    }

    @Test("a receive for one buffer that has none is cancelled when the connection drains or fails")
    func oneBufferCancelled() {
        var drained = opened()
        drained.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        #expect(actions(&drained) == [.armReceive])
        drained.reception.limitToOne()
        var cut = drained
        drained.drain()
        #expect(actions(&drained) == [.cancelReceive])
        _ = cut.cut()
        #expect(actions(&cut) == [.cancelReceive])
    }
}
