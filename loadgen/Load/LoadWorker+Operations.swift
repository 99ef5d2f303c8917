import Glibc
import Histogram
import ZeroPoolURing

/// What the worker asks of its ring, and what comes back.
extension LoadWorker {
    func connect(_ index: Int) {
        do {
            slots[index].descriptor = try SocketAddress.makeSocket(family: Int32(unsafe address.pointee.ss_family))
        } catch {
            slots[index].connection.abandon()
            tally.connectErrors[error.errno, default: 0] += 1
            return
        }
        let bytes = unsafe UnsafeRawBufferPointer(start: address, count: addressByteCount)
        unsafe ring.connect(
            .file(slots[index].descriptor), to: bytes, userData: LoadToken(.connect, connection: index).userData)
        connectingCount += 1
        operationsInFlight += 1
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
        for index in unarmedIndices where !slots[index].connection.isEnded { armReceive(index) }
        unarmedIndices.removeAll(keepingCapacity: true)
    }

    func perform(_ action: LoadConnection.Action, _ index: Int) {
        switch action {
        case .none:
            break
        case .send(let offset, let byteCount):
            let bytes = unsafe BytePattern.shared.run(
                connection: slots[index].number, offset: offset, byteCount: byteCount)
            unsafe ring.send(
                to: .file(slots[index].descriptor), from: bytes, waitAll: true,
                userData: LoadToken(.send, connection: index).userData)
            operationsInFlight += 1
        case .drained:
            openCount -= 1
        case .lost(let loss):
            openCount -= 1
            lose(index, loss)
        }
    }

    private func lose(_ index: Int, _ loss: LoadConnection.Loss) {
        switch loss {
        case .closedByServer:
            tally.losses["closed by the server", default: 0] += 1
        case .failed(let errno):
            tally.losses[SystemError.text(errno), default: 0] += 1
        case .surplus(let offset):
            guard !control.isAborted else { return }
            tally.failures.append(
                "wrong bytes: connection \(slots[index].number) got more than it had sent, from byte \(offset) on")
            control.abort()
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
        guard slots[index].connection.isConnecting else { return }  // it came after the deadline
        if result == 0 {
            slots[index].connection.connected()
        } else {
            slots[index].connection.abandon()
            tally.connectErrors[-result, default: 0] += 1
        }
    }

    private func received(_ completion: Completion, _ index: Int) {
        if completion.isFinal, completion.result > 0 || completion.result == -ENOBUFS { unarmedIndices.append(index) }
        let number = slots[index].number
        let offset = slots[index].connection.receivedByteCount
        // A buffer is taken back also where nobody asks for its bytes any more.
        let mismatch = receiver.withBytes(of: completion) { bytes in
            unsafe bytes.withUnsafeBytes { bytes in
                unsafe BytePattern.shared.firstMismatch(in: bytes, connection: number, offset: offset)
            }
        }
        guard !slots[index].connection.isEnded, !control.isAborted, completion.result != -ENOBUFS else { return }
        guard completion.result > 0 else {
            return perform(slots[index].connection.receiveEnded(completion.result), index)
        }
        if let mismatch = mismatch ?? nil {
            tally.mismatch = mismatch
            control.abort()
            return
        }
        let byteCount = Int(completion.result)
        tally.totalByteCount += byteCount
        let isMeasured = phase == .measuring
        if isMeasured { tally.byteCount += byteCount }
        let action = slots[index].connection.received(byteCount, at: Clock.monotonicNanoseconds) { nanoseconds in
            tally.totalRequestCount += 1
            guard isMeasured else { return }
            tally.requestCount += 1
            tally.latencies.record(nanoseconds)
        }
        perform(action, index)
    }
}
