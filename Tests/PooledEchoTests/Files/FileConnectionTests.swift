import Testing

@testable import PooledEcho

@Suite("FileConnection")
struct FileConnectionTests {
    private let limits = FileConnection.Limits(inputLeaseCount: 4)

    /// All that is to be done now; what the service would have to answer ends it.
    private func actions(_ connection: inout FileConnection) -> [FileConnection.Action] {
        var actions: [FileConnection.Action] = []
        while let action = connection.nextAction(limits) {
            actions.append(action)
            if case .own(let own) = action, own != .queueBlock, own != .finish { break }
            guard actions.count < 10 else {
                Issue.record("never satisfied: \(actions)")
                break
            }
        }
        return actions
    }

    private func opened() -> FileConnection {
        var connection = FileConnection()
        #expect(actions(&connection) == [.armReceive])
        return connection
    }

    /// A connection whose request was read, in one lease.
    private func asked() -> FileConnection {
        var connection = opened()
        receive(&connection)
        #expect(actions(&connection) == [.own(.readHead)])
        return connection
    }

    private func begin(
        _ connection: inout FileConnection, head: Int = 100, body: Int = 0, isChecked: Bool = false,
        isLast: Bool = false
    ) {
        connection.begins(
            headByteCount: head, bodyByteCount: body, sharesBlock: true, isChecked: isChecked, isLast: isLast)
        connection.consumed(leaseCount: 1)
    }

    private func receive(_ connection: inout FileConnection) {
        let isInput = connection.received()
        #expect(isInput)
    }

    private func sent(_ connection: inout FileConnection, _ byteCount: Int) {
        let isWhole = connection.transmission.sent(byteCount: byteCount, of: byteCount)
        #expect(isWhole)
    }

    /// A connection that sends its last response, all of it queued.
    private func closing() -> FileConnection {
        var connection = asked()
        begin(&connection, isLast: true)
        #expect(actions(&connection) == [.own(.queueBlock), .send, .own(.finish)])
        return connection
    }

    @Test("a new connection receives, and reads a head when something has come")
    func begins() { _ = asked() }

    @Test("a head that is not whole waits for the rest")
    func partialHead() {
        var connection = asked()
        connection.lacksHead()
        #expect(connection.isWithinHead)
        #expect(actions(&connection) == [])
        receive(&connection)
        #expect(actions(&connection) == [.own(.readHead)])
    }

    @Test("a response without a body is one block, and the next request may begin before it is sent")
    func headOnly() {
        var connection = asked()
        begin(&connection)
        #expect(actions(&connection) == [.own(.queueBlock), .send, .own(.finish)])
        #expect(connection.phase == .head)
        #expect(connection.transmission.owedByteCount == 100)
        sent(&connection, 100)
        #expect(actions(&connection) == [])
        #expect(connection.phase == .head && connection.inputLeaseCount == 0)
    }

    @Test("a small file goes out with its head")
    func smallFile() {
        var connection = asked()
        begin(&connection, body: 50)
        #expect(actions(&connection) == [.own(.fillBlock)])
        connection.reads()
        #expect(actions(&connection) == [])
        connection.filled(byteCount: 50, isFull: true)
        #expect(actions(&connection) == [.own(.queueBlock), .send, .own(.finish)])
        sent(&connection, 150)
        #expect(actions(&connection) == [])
    }

    @Test("a short read is read on, into the same block")
    func shortRead() {
        var connection = asked()
        begin(&connection, body: 50)
        #expect(actions(&connection) == [.own(.fillBlock)])
        connection.reads()
        connection.filled(byteCount: 20, isFull: false)
        #expect(actions(&connection) == [.own(.fillBlock)])
        connection.reads()
        connection.filled(byteCount: 30, isFull: true)
        #expect(actions(&connection) == [.own(.queueBlock), .send, .own(.finish)])
    }

    @Test("one block is filled while another is sent, and no third one begun")
    func twoBlocks() {
        var connection = asked()
        begin(&connection, body: 300)
        #expect(actions(&connection) == [.own(.fillBlock)])
        connection.reads()
        connection.filled(byteCount: 100, isFull: true)
        #expect(actions(&connection) == [.own(.queueBlock), .send, .own(.fillBlock)])
        connection.reads()
        #expect(actions(&connection) == [])
        connection.filled(byteCount: 100, isFull: true)
        #expect(actions(&connection) == [.own(.queueBlock)])
        sent(&connection, 200)
        #expect(actions(&connection) == [.send, .own(.fillBlock)])
        connection.reads()
        connection.filled(byteCount: 100, isFull: true)
        #expect(actions(&connection) == [.own(.queueBlock), .own(.finish)])
        sent(&connection, 100)
        #expect(actions(&connection) == [.send])
        sent(&connection, 100)
        #expect(actions(&connection) == [])
        #expect(!connection.transmission.isOwing)
    }

    @Test("what a zero-copy send holds counts as a block until it is released, for the next request too")
    func unreleasedBlocks() {
        var connection = asked()
        begin(&connection, body: 200)
        connection.reads()
        connection.filled(byteCount: 100, isFull: true)
        #expect(actions(&connection) == [.own(.queueBlock), .send, .own(.fillBlock)])
        connection.reads()
        sent(&connection, 200)
        connection.transmission.sentZeroCopy()
        connection.filled(byteCount: 100, isFull: true)
        #expect(actions(&connection) == [.own(.queueBlock), .send, .own(.finish)])
        receive(&connection)
        #expect(actions(&connection) == [])
        connection.transmission.released(wasCopied: false)
        #expect(actions(&connection) == [.own(.readHead)])
    }

    @Test("a long file is looked at again before its last block goes out")
    func check() {
        var connection = asked()
        begin(&connection, body: 100, isChecked: true)
        connection.reads()
        connection.filled(byteCount: 100, isFull: true)
        #expect(actions(&connection) == [.own(.check)])
        connection.checks()
        #expect(actions(&connection) == [])
        connection.checked()
        #expect(actions(&connection) == [.own(.queueBlock), .send, .own(.finish)])
    }

    @Test("a file that fails resets the connection, once nothing is under way")
    func fileFails() {
        var connection = asked()
        begin(&connection, body: 200)
        connection.reads()
        connection.filled(byteCount: 100, isFull: true)
        #expect(actions(&connection) == [.own(.queueBlock), .send, .own(.fillBlock)])
        connection.reads()
        connection.fileFailed()
        #expect(actions(&connection) == [.cancelReceive, .cancelSend])
        sent(&connection, 200)
        connection.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        #expect(actions(&connection) == [.own(.finish), .reset])
        #expect(connection.isClosed)
    }

    @Test("a failed connection waits for what is being opened or read")
    func failsWhileBusy() {
        var connection = asked()
        connection.opens()
        #expect(actions(&connection) == [])
        connection.receiveEnded(isEndOfStream: false, isFailure: true, isStarved: false)
        #expect(actions(&connection) == [])
        connection.opened()
        #expect(actions(&connection) == [.own(.finish), .close])
    }

    @Test("what was opened is responded to")
    func opens() {
        var connection = asked()
        connection.opens()
        #expect(actions(&connection) == [])
        connection.opened()
        #expect(actions(&connection) == [.own(.respond)])
        begin(&connection)
        #expect(actions(&connection) == [.own(.queueBlock), .send, .own(.finish)])
    }

    @Test("who lacks a block goes on when there is one, or stops waiting when it ends")
    func lacksBlock() {
        var connection = asked()
        connection.lacksBlock()
        #expect(actions(&connection) == [])
        var other = connection
        connection.fedBlock()
        #expect(actions(&connection) == [.own(.readHead)])
        let isCut = other.cut()
        #expect(isCut)
        #expect(actions(&other) == [.cancelReceive, .own(.stopWaitingForBlock)])
    }

    @Test("receiving pauses when input piles up during a response, and goes on when half of it is read")
    func inputPause() {
        var connection = asked()
        begin(&connection, body: 10)
        #expect(actions(&connection) == [.own(.fillBlock)])
        connection.reads()
        for _ in 0..<3 {
            receive(&connection)
            #expect(actions(&connection) == [])
        }
        receive(&connection)
        #expect(actions(&connection) == [.cancelReceive])
        connection.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        #expect(actions(&connection) == [])
        #expect(connection.isPaused && connection.isLagging)
        connection.filled(byteCount: 10, isFull: true)
        #expect(actions(&connection) == [.own(.queueBlock), .send, .own(.finish), .own(.readHead)])
        connection.consumed(leaseCount: 2)
        connection.opens()
        #expect(actions(&connection) == [.armReceive])
    }

    @Test("where buffers are scarce a head that is not whole still gets its rest")
    func scarceInput() {
        var connection = asked()
        connection.lacksHead()
        connection.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        let actions = (connection.nextAction(limits.scarce), connection.nextAction(limits.scarce))
        #expect(actions == (.armReceive, nil))
    }

    @Test("after the last response the write side is shut, what comes is discarded, and the peer's end closes")
    func lingers() {
        var connection = closing()
        let isInput = connection.received()
        #expect(!isInput)
        sent(&connection, 100)
        #expect(actions(&connection) == [.shutdownWrite])
        let isStillInput = connection.received()
        #expect(connection.isLingering && !isStillInput)
        connection.transmission.halfClosed()
        connection.receiveEnded(isEndOfStream: true, isFailure: false, isStarved: false)
        #expect(actions(&connection) == [.close])
    }

    @Test("a connection is not closed while its write side is being shut down", arguments: [false, true])
    func halfCloses(isCut: Bool) {
        var connection = closing()
        sent(&connection, 100)
        #expect(actions(&connection) == [.shutdownWrite])
        if isCut {
            _ = connection.cut()
            #expect(actions(&connection) == [.cancelReceive])
        }
        connection.receiveEnded(isEndOfStream: !isCut, isFailure: false, isStarved: false)
        #expect(actions(&connection) == [])
        connection.transmission.halfClosed()
        #expect(actions(&connection) == [.close])
    }

    @Test("who never ends its stream is closed after a while")
    func lingersTooLong() {
        var connection = closing()
        sent(&connection, 100)
        #expect(actions(&connection) == [.shutdownWrite])
        connection.transmission.halfClosed()
        connection.lingered()
        #expect(actions(&connection) == [.cancelReceive])
        connection.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        #expect(actions(&connection) == [.close])
    }

    @Test("a peer that half-closes after its request gets its response, then the end")
    func halfClose() {
        var connection = asked()
        connection.receiveEnded(isEndOfStream: true, isFailure: false, isStarved: false)
        begin(&connection)
        #expect(actions(&connection) == [.own(.queueBlock), .send, .own(.finish)])
        sent(&connection, 100)
        #expect(actions(&connection) == [.close])
    }

    @Test("an end of stream between requests, or within a head, closes", arguments: [false, true])
    func endOfStream(isWithinHead: Bool) {
        var connection = isWithinHead ? asked() : opened()
        if isWithinHead { connection.lacksHead() }
        connection.receiveEnded(isEndOfStream: true, isFailure: false, isStarved: false)
        #expect(actions(&connection) == [.close])
    }

    @Test("draining ends a connection between requests at once, and another after its response")
    func drains() {
        var idle = opened()
        idle.drain()
        #expect(actions(&idle) == [.shutdownWrite])
        var busy = asked()
        busy.drain()
        #expect(busy.isLast(requestKeepsAlive: true))
        begin(&busy, isLast: true)
        #expect(actions(&busy) == [.own(.queueBlock), .send, .own(.finish)])
        sent(&busy, 100)
        #expect(actions(&busy) == [.shutdownWrite])
    }

    @Test("a held connection does nothing, also when it drains or is cut")
    func held() {
        var connection = FileConnection(isHeld: true)
        #expect(actions(&connection) == [])
        connection.drain()
        #expect(actions(&connection) == [])
        connection.reception.identified()
        #expect(actions(&connection) == [.shutdownWrite, .armReceive])
        var cut = FileConnection(isHeld: true)
        let isCut = cut.cut()
        #expect(isCut)
        #expect(actions(&cut) == [])
    }

    @Test("a cut connection that owes nothing is closed, one that owes is reset", arguments: [0, 100])
    func cut(owed: Int) {
        var connection = owed > 0 ? asked() : opened()
        if owed > 0 {
            begin(&connection, head: owed)
            #expect(actions(&connection) == [.own(.queueBlock), .send, .own(.finish)])
        }
        let cuts = (connection.cut(), connection.cut())
        #expect(cuts == (true, false) && connection.isCut)
        #expect(actions(&connection) == (owed > 0 ? [.cancelReceive, .cancelSend] : [.cancelReceive]))
        if owed > 0 { connection.sendFailed() }
        connection.receiveEnded(isEndOfStream: false, isFailure: false, isStarved: false)
        #expect(actions(&connection) == [owed > 0 ? .reset : .close])
    }
}
