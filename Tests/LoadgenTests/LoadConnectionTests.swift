import TestSupport
import Testing

@testable import loadgen

@Suite("Closed loop of one connection")
struct LoadConnectionTests {
    private func open(_ messageByteCount: Int, pipeline: Int = 1) -> (EchoLoop, LoadConnection.Action) {
        var loop = EchoLoop(messageByteCount: messageByteCount, pipeline: pipeline)
        let action = loop.begin()
        return (loop, action)
    }

    @Test("A message starts when the one before has come back whole, and its latency is the time between")
    func closedLoop() {
        var (connection, first) = open(512)
        var latencies: [UInt64] = []
        #expect(first == .send(offset: 0, byteCount: 512))
        #expect(connection.sent(512, at: 110) == .none)
        #expect(connection.received(500, at: 120) { latencies.append($0) } == .none)
        #expect(latencies.isEmpty)
        #expect(connection.received(12, at: 150) { latencies.append($0) } == .send(offset: 512, byteCount: 512))
        #expect(latencies == [50])
    }

    @Test("What comes back before the send's completion is counted, and the next send waits for that completion")
    func receiveBeforeSendCompletion() {
        var (connection, _) = open(512)
        var latencies: [UInt64] = []
        #expect(connection.received(512, at: 130) { latencies.append($0) } == .none)
        #expect(latencies == [30])
        #expect(connection.sent(512, at: 140) == .send(offset: 512, byteCount: 512))
    }

    @Test("As many messages as the pipeline allows leave together; each has its own latency")
    func pipeline() {
        var (connection, first) = open(100, pipeline: 4)
        var latencies: [UInt64] = []
        #expect(first == .send(offset: 0, byteCount: 400))
        #expect(connection.sent(400, at: 101) == .none)
        #expect(connection.received(250, at: 200) { latencies.append($0) } == .send(offset: 400, byteCount: 200))
        #expect(latencies == [100, 100])
        #expect(connection.sent(200, at: 201) == .none)
        #expect(connection.received(350, at: 260) { latencies.append($0) } == .send(offset: 600, byteCount: 400))
        #expect(latencies == [100, 100, 160, 160, 60, 60])
    }

    @Test("A message beyond the longest run leaves in several sends, while its start already comes back")
    func largeMessage() {
        let run = BytePattern.longestRunByteCount
        var (connection, first) = open(2 * run + 5)
        var latencies: [UInt64] = []
        #expect(first == .send(offset: 0, byteCount: run))
        #expect(connection.received(1000, at: 105) { latencies.append($0) } == .none)
        #expect(connection.sent(Int32(run), at: 110) == .send(offset: run, byteCount: run))
        #expect(connection.sent(Int32(run), at: 120) == .send(offset: 2 * run, byteCount: 5))
        #expect(connection.sent(5, at: 130) == .none)
        #expect(connection.received(2 * run - 1000, at: 140) { latencies.append($0) } == .none)
        #expect(
            connection.received(5, at: 150) { latencies.append($0) } == .send(offset: 2 * run + 5, byteCount: run))
        #expect(latencies == [50])
    }

    @Test("A short send is followed by the rest")
    func shortSend() {
        var (connection, _) = open(512)
        #expect(connection.sent(200, at: 110) == .send(offset: 200, byteCount: 312))
        #expect(connection.sent(312, at: 115) == .none)
        var latencies: [UInt64] = []
        #expect(connection.received(512, at: 120) { latencies.append($0) } == .send(offset: 512, byteCount: 512))
        #expect(latencies == [20])
    }

    @Test("The end of the stream and errors on either side lose the connection, once")
    func losses() {
        var (closed, _) = open(512)
        #expect(closed.receiveEnded(0) == .lost(.closedByServer))
        #expect(closed.sent(-32, at: 120) == .none)
        var (reset, _) = open(512)
        #expect(reset.receiveEnded(-104) == .lost(.failed(errno: 104)))
        #expect(reset.receiveEnded(0) == .none)
        var (broken, _) = open(512)
        #expect(broken.sent(-32, at: 120) == .lost(.failed(errno: 32)))
        #expect(broken.received(512, at: 130) { _ in } == .none)
    }

    @Test("After stop nothing new starts, and the connection is drained when all has come back")
    func stop() {
        var (connection, _) = open(512, pipeline: 2)
        #expect(connection.sent(1024, at: 105) == .none)
        #expect(connection.stop(at: 110) == .none)
        #expect(connection.connection.isOwedAnswers)
        #expect(connection.received(1023, at: 120) { _ in } == .none)
        #expect(connection.received(1, at: 130) { _ in } == .drained)
        #expect(!connection.connection.isOwedAnswers)
        #expect(connection.receiveEnded(0) == .none)
    }

    @Test("Stop completes the message that is half sent")
    func stopInTheMiddle() {
        let run = BytePattern.longestRunByteCount
        var (connection, _) = open(run + 10, pipeline: 3)
        #expect(connection.stop(at: 105) == .none)
        #expect(connection.sent(Int32(run), at: 110) == .send(offset: run, byteCount: 10))
        #expect(connection.sent(10, at: 115) == .none)
        #expect(connection.received(run + 10, at: 120) { _ in } == .drained)
    }

    @Test("It is not drained while the send's completion is missing")
    func drainedAfterCompletion() {
        var (connection, _) = open(512)
        #expect(connection.stop(at: 105) == .none)
        #expect(connection.received(512, at: 110) { _ in } == .none)
        #expect(connection.sent(512, at: 115) == .drained)
    }

    @Test("A connection that was never made does not begin and does not stop")
    func neverConnected() {
        var connection = LoadConnection(messageByteCount: 1, pipeline: 1, longestRunByteCount: 1)
        connection.abandon()
        #expect(connection.begin(at: 1) == .none)
        #expect(connection.stop(at: 2) == .none)
        #expect(connection.isEnded)
    }

    /// With requests of 100 bytes, of which two are in flight, all sent.
    private func twoInFlight() -> LoadConnection {
        var connection = LoadConnection(messageByteCount: 100, pipeline: 2, longestRunByteCount: 200)
        connection.connected()
        #expect(connection.begin(at: 100) == .send(offset: 0, byteCount: 200))
        #expect(connection.sent(200, at: 105) == .none)
        return connection
    }

    @Test("After the last answer on a connection, another asks again for what was not answered, and the time counts")
    func reconnect() {
        var connection = twoInFlight()
        var latencies: [UInt64] = []
        #expect(connection.answered(1, isLast: true, at: 150) { latencies.append($0) } == .shutdown)
        #expect(connection.answered(1, isLast: false, at: 155) { latencies.append($0) } == .none)
        #expect(connection.reopened() == .none)
        #expect(connection.receiveEnded(-104) == .reconnect && connection.isReconnecting)
        #expect(!connection.isOwedAnswers)
        #expect(connection.reopened() == .send(offset: 100, byteCount: 200))
        #expect(connection.sent(200, at: 200) == .none)
        #expect(
            connection.answered(2, isLast: false, at: 250) { latencies.append($0) }
                == .send(offset: 300, byteCount: 200))
        #expect(latencies == [50, 100, 100])
    }

    @Test("A socket is not closed as long as something is under way on it, in whatever order that ends")
    func joins() {
        var connection = LoadConnection(messageByteCount: 100, pipeline: 2, longestRunByteCount: 200)
        connection.connected()
        #expect(connection.begin(at: 100) == .send(offset: 0, byteCount: 200))
        #expect(connection.answered(1, isLast: true, at: 150) { _ in } == .shutdown)
        var other = connection
        #expect(connection.receiveEnded(0) == .none && connection.sent(-32, at: 160) == .reconnect)
        #expect(other.sent(200, at: 160) == .none && other.receiveEnded(0) == .reconnect)
        // Once.
        #expect(other.receiveEnded(0) == .none && other.sent(0, at: 170) == .none)
    }

    @Test("A connection that stops is not made again")
    func stopWhileReconnecting() {
        var connection = twoInFlight()
        #expect(connection.answered(1, isLast: true, at: 150) { _ in } == .shutdown)
        var closing = connection
        #expect(closing.stop(at: 160) == .drained && closing.receiveEnded(0) == .none)
        #expect(connection.receiveEnded(0) == .reconnect)
        #expect(connection.stop(at: 160) == .drained)
        #expect(connection.reopened() == .none && connection.isEnded)
        var stopping = twoInFlight()
        #expect(stopping.stop(at: 110) == .none)
        #expect(stopping.answered(1, isLast: true, at: 150) { _ in } == .drained)
    }

    @Test("With random chunks on both sides, every message completes once and in order")
    func randomised() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let size = Int.random(in: 1...3000, using: &random)
            let pipeline = Int.random(in: 1...9, using: &random)
            var (connection, action) = open(size, pipeline: pipeline)
            var handed = 0
            var inFlight = 0
            var echoed = 0
            var completedCount = 0
            func take(_ action: LoadConnection.Action) {
                guard case .send(let offset, let byteCount) = action else { return }
                #expect(inFlight == 0 && offset == handed, "seed \(seed)")
                inFlight = byteCount
            }
            take(action)
            for step in 0..<300 {
                action = .none
                if inFlight > 0, Bool.random(using: &random) {
                    let sent = Int.random(in: 1...inFlight, using: &random)
                    handed += sent
                    inFlight = 0
                    take(connection.sent(Int32(sent), at: UInt64(200 + step)))
                } else if handed > echoed {
                    let byteCount = Int.random(in: 1...(handed - echoed), using: &random)
                    echoed += byteCount
                    take(
                        connection.received(byteCount, at: UInt64(200 + step)) { latency in
                            completedCount += 1
                            #expect(latency <= UInt64(100 + step), "seed \(seed)")
                        })
                }
                #expect(completedCount == echoed / size, "seed \(seed)")
                #expect(handed + inFlight <= (completedCount + pipeline) * size, "seed \(seed)")
            }
            #expect(completedCount > 0 || size * 2 > echoed, "seed \(seed)")
        }
    }
}
