import Glibc
import Histogram
import SystemSupport
import ZeroPoolURing

/// What the worker asks of its ring, and what comes back.
extension LoadWorker {
    func connect(_ index: Int) {
        do {
            slots[index].descriptor = try address.makeSocket()
        } catch {
            return couldNotConnect(index, errno: error.errno)
        }
        unsafe ring.connect(
            .file(slots[index].descriptor), to: UnsafeRawBufferPointer(addressBytes),
            userData: LoadToken(.connect, connection: index).userData)
        connectingCount += 1
        operationsInFlight += 1
    }

    private func couldNotConnect(_ index: Int, errno: Int32) {
        if slots[index].connection.isReconnecting { openCount -= 1 }
        slots[index].connection.abandon()
        tally.connectErrors[errno, default: 0] += 1
    }

    func armReceive(_ index: Int) {
        ring.receiveMultishot(
            from: .file(slots[index].descriptor), group: receiver.group,
            userData: LoadToken(.receive, connection: index).userData)
        operationsInFlight += 1
    }

    /// When the group has buffers again: a receive that finds none ends at once, without data.
    func rearmReceives() {
        receiver.refill()
        for index in unarmedIndices where !slots[index].connection.isEnded {
            if slots[index].connection.isClosing {
                perform(slots[index].connection.receiveEnded(0), index)
            } else {
                armReceive(index)
            }
        }
        unarmedIndices.removeAll(keepingCapacity: true)
    }

    func perform(_ action: LoadConnection.Action, _ index: Int) {
        switch action {
        case .none:
            break
        case .send(let offset, let byteCount):
            let bytes = unsafe exchange.run(connection: slots[index].number, offset: offset, byteCount: byteCount)
            unsafe ring.send(
                to: .file(slots[index].descriptor), from: bytes, waitAll: true,
                userData: LoadToken(.send, connection: index).userData)
            operationsInFlight += 1
        case .shutdown:
            shutdown(slots[index].descriptor, Int32(SHUT_RDWR))
        case .reconnect:
            tally.reconnectCount += 1
            close(slots[index].descriptor)
            slots[index].descriptor = -1
            connect(index)
        case .drained:
            openCount -= 1
        case .lost(.closedByServer):
            openCount -= 1
            tally.losses["closed by the server", default: 0] += 1
        case .lost(.failed(let errno)):
            openCount -= 1
            tally.losses[SystemError.text(errno), default: 0] += 1
        }
    }

    func handle(_ completion: Completion) {
        if completion.isFinal { operationsInFlight -= 1 }
        let token = LoadToken(userData: completion.userData)
        switch token.operation {
        case .send:
            perform(
                slots[token.index].connection.sent(completion.result, at: Clock.monotonicNanoseconds), token.index)
        case .receive:
            received(completion, token.index)
        case .connect:
            connected(completion.result, token.index)
        case .tick:
            tick()
        case .cancel:
            break
        }
    }

    private func connected(_ result: Int32, _ index: Int) {
        connectingCount -= 1
        if slots[index].connection.isReconnecting {
            guard result == 0 else { return couldNotConnect(index, errno: -result) }
            answers[index].reconnected()
            armReceive(index)
            perform(slots[index].connection.reopened(), index)
        } else if slots[index].connection.isConnecting {  // else it came after the deadline
            guard result == 0 else { return couldNotConnect(index, errno: -result) }
            slots[index].connection.connected()
        }
    }

    private func received(_ completion: Completion, _ index: Int) {
        if completion.isFinal, completion.result > 0 || completion.result == -ENOBUFS { unarmedIndices.append(index) }
        let answerableByteCount = control.isAborted ? nil : slots[index].connection.answerableByteCount
        // A buffer is taken back also where nobody asks for its bytes any more.
        let taken = receiver.withBytes(of: completion) { bytes in
            answerableByteCount.map { answers[index].take(bytes, answerableByteCount: $0) } ?? TakenAnswers()
        }
        guard answerableByteCount != nil, completion.result != -ENOBUFS else { return }
        if let taken { return heed(taken, index) }
        if completion.result == 0 { heed(answers[index].ended(), index) }
        perform(slots[index].connection.receiveEnded(completion.result), index)
    }

    private func end(for fault: AnswerFault) {
        switch fault {
        case .mismatch(let mismatch): tally.mismatch = mismatch
        case .other(let sentence): tally.failures.append(sentence)
        }
        control.abort()
    }

    private func heed(_ taken: TakenAnswers, _ index: Int) {
        if let fault = taken.fault { return end(for: fault) }
        tally.totalByteCount += taken.byteCount
        let isMeasured = phase == .measuring
        if isMeasured { tally.byteCount += taken.byteCount }
        let now = Clock.monotonicNanoseconds
        let action = slots[index].connection.answered(taken.answerCount, isLast: taken.isLast, at: now) { nanoseconds in
            tally.totalRequestCount += 1
            guard isMeasured else { return }
            tally.requestCount += 1
            tally.latencies.record(nanoseconds)
        }
        perform(action, index)
    }
}
