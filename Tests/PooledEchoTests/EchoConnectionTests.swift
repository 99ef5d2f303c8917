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
        let isWhole = connection.sent(byteCount: byteCount, of: remaining)
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
        connection.fed()
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
        #expect(actions(&connection) == [.leaveStarved, .reset])
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
        let isQueued = connection.received(byteCount: 99)
        #expect(!isQueued)
        #expect(actions(&connection) == [])
        connection.receiveEnded(isEndOfStream: true, isFailure: false, isStarved: false)
        #expect(actions(&connection) == [.close])
    }

    @Test("a connection is not closed while the kernel reads what was sent without a copy; cut then, it is reset")
    func zeroCopy() {
        var connection = opened()
        received(&connection, 10)
        #expect(actions(&connection) == [.send])
        connection.receiveEnded(isEndOfStream: true, isFailure: false, isStarved: false)
        sent(&connection, 10, of: 10)
        connection.sentZeroCopy()
        #expect(actions(&connection) == [])
        var stopped = connection
        let loses = stopped.cut()
        #expect(loses)
        #expect(actions(&stopped) == [.reset])
        connection.released(wasCopied: true)
        #expect(!connection.mayZeroCopy)
        #expect(actions(&connection) == [.close])
    }

    @Test("a cut loses bytes exactly when some are owed")
    func cut() {
        var idle = opened()
        let idleLoses = idle.cut()
        #expect(!idleLoses)
        #expect(actions(&idle) == [.cancelReceive])
        idle.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        #expect(actions(&idle) == [.close])

        var debtor = opened()
        received(&debtor, 10)
        #expect(actions(&debtor) == [.send])
        let debtorLoses = debtor.cut()
        #expect(debtorLoses)
        let losesTwice = debtor.cut()
        #expect(!losesTwice, "counted once")
        #expect(actions(&debtor) == [.cancelReceive, .cancelSend])
        debtor.sendFailed()
        debtor.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        #expect(actions(&debtor) == [.reset])
    }
}
