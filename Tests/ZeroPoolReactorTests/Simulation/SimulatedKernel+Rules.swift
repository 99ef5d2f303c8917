import Glibc

@testable import ZeroPoolReactor
import TestSupport

/// The rules: what follows what, as on Linux. Whatever changes a connection calls the `advance…` that may now go on.
extension SimulatedKernel {
    // MARK: Accepting

    /// - A connection that waits is accepted as soon as an accept is armed, also when its peer is gone by then.
    /// - Without descriptors accepting ends, and the connection goes on waiting.
    /// - With the file table full the connection is accepted, closed, and accepting ends with `ENFILE`.
    func advanceAccept() {
        while let operation = acceptOperation, let connection = backlog.first {
            if let shortageErrno { return endAccept(shortageErrno) }
            backlog.removeFirst()
            if strikes(faults.acceptError) {
                breakConnection(connection, ECONNRESET)
                resetForPeer(connection)
                return endAccept(
                    generator.element([ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH, ENONET, EPERM, EINTR]))
            }
            guard takeFreeSlot(for: connection) else {
                trace.note("the file table is full for", connection.id)
                endAccept(ENFILE)
                return closeByServer(connection)
            }
            complete(operation, .accepted(connection))
            if isCompletionQueueFull || strikes(faults.acceptEnd) { return endAccept(0) }
        }
    }

    func endAccept(_ errno: Int32) {
        guard let operation = acceptOperation else { return }
        acceptOperation = nil
        complete(operation, .acceptEnded(errno: errno))
    }

    /// Who waits to be accepted is reset, and who comes later is refused.
    func closeListener() {
        isListening = false
        for connection in backlog { resetForPeer(connection) }
        backlog = []
    }

    // MARK: Receiving

    /// - The buffer is taken before the bytes are looked for: without one a receive ends with `ENOBUFS`, at once when it
    ///   is armed, later when there is something to receive.
    /// - Bytes come before the error of a reset, and that before the end of the stream.
    /// - One buffer ends the receive that is for one.
    /// - A receive that waits for room to send does not start before; a broken connection counts as room, and one that the
    ///   server has half-closed.
    /// - What a peer does between waits is seen in the next one, after what was noted has started: a cancellation comes first.
    /// - After 33 buffers other operations have their turn, and cancellations, before it goes on.
    func advanceReceive(_ connection: SimulatedConnection) {
        var bufferCount = 0
        while let receive = connection.receive {
            if receive.isFirstTry, receive.extent == .oneBufferOnceWritable {
                guard connection.isBroken || connection.outbound.isEnded || connection.outbound.isWritable else {
                    return
                }
            }
            guard bufferCount < SimulatedKernel.buffersPerTurn else { return ready.append(connection) }
            bufferCount += 1
            let isReady = connection.inbound.unreadByteCount > 0 || connection.inbound.isEnded || connection.isBroken
            guard isReady || receive.isFirstTry else { return }
            connection.receive?.isFirstTry = false
            if provided.isEmpty || strikes(faults.bufferShortage) { return endReceive(connection, ENOBUFS) }
            guard isReady else { return }
            if strikes(faults.brokenReceive) {
                breakConnection(connection, generator.element([ECONNRESET, ETIMEDOUT, EHOSTUNREACH]))
                resetForPeer(connection)
                // Breaking it has ended the receive.
                return
            }
            if strikes(faults.receiveInterruption) { return endReceive(connection, EINTR) }
            if strikes(faults.receiveCancellation) { return endReceive(connection, ECANCELED) }
            guard connection.inbound.unreadByteCount > 0 else {
                if let errno = connection.untoldErrno {
                    connection.untoldErrno = nil
                    return endReceive(connection, errno)
                }
                return endReceive(connection, 0, isEndOfStream: true)
            }
            fillBuffer(connection, receive.operation)
            if let rest = receive.rest {
                connection.receive?.rest = rest - 1
                if rest == 1 { return endReceive(connection, ECANCELED) }
            }
            if receive.extent != .multishot { return endReceive(connection, 0) }
            if isCompletionQueueFull || strikes(faults.receiveEnd) { return endReceive(connection, 0) }
        }
    }

    /// As many buffers as a multishot receive fills in one go (`MULTISHOT_MAX_RETRY`, and the first).
    private static let buffersPerTurn = 33

    private func fillBuffer(_ connection: SimulatedConnection, _ operation: Int) {
        let lease = provided.removeFirst()
        unseenBufferCount += 1
        isAboveRest = true
        let byteCount = min(
            connection.inbound.unreadByteCount, parameters.maxReceiveByteCount, parameters.bufferByteCount)
        let offset = connection.inbound.readByteCount
        if let script = connection.script {
            lease.append(script[offset..<offset + byteCount])
        } else {
            lease.fill(connection.id, from: offset, byteCount: byteCount)
        }
        connection.inbound.read(byteCount)
        complete(operation, .received(connection, lease))
        connection.onRoom?()
    }

    /// The buffers that wait come back from the oldest on, as long as there are some; receives stay armed.
    private func withdraw(_ operation: Int) {
        let lease = provided.isEmpty ? nil : provided.removeFirst()
        if lease != nil { unseenBufferCount += 1 }
        complete(operation, .withdrawn(lease))
    }

    func endReceive(_ connection: SimulatedConnection, _ errno: Int32, isEndOfStream: Bool = false) {
        guard let receive = connection.receive else { return }
        connection.receive = nil
        complete(receive.operation, .receiveEnded(connection, errno: errno, isEndOfStream: isEndOfStream))
    }

    /// A cancelled receive ends with `ECANCELED`; when the cancellation comes late, after up to 32 buffers more, or as it
    /// would have ended by itself.
    func cancelReceive(_ connection: SimulatedConnection) {
        guard connection.receive != nil else { return }
        if strikes(faults.lateCancel), connection.inbound.unreadByteCount > 0 {
            connection.receive?.rest = generator.integer(1, 32)
            advanceReceive(connection)
        }
        endReceive(connection, ECANCELED)
    }

    // MARK: Sending

    /// - A send goes on until all its bytes are with the kernel (`MSG_WAITALL`), as the peer's reading makes room.
    /// - On a broken connection, and after the server's own half-close, it fails; what went before makes it short instead.
    /// - To a peer that has closed, the bytes go, and what comes back is a reset.
    func advanceSend(_ connection: SimulatedConnection) {
        guard let send = connection.send else { return }
        if !connection.isBroken, strikes(faults.brokenSend) {
            breakConnection(connection, generator.element([ECONNRESET, EPIPE, ETIMEDOUT]))
            resetForPeer(connection)
            return
        }
        if connection.isBroken || connection.outbound.isEnded {
            let errno = connection.untoldErrno ?? EPIPE
            connection.untoldErrno = nil
            return endSend(connection, errno)
        }
        let byteCount = min(connection.outbound.room, send.range.count - send.doneByteCount)
        if byteCount > 0 {
            let start = send.range.lowerBound + send.doneByteCount
            if connection.script != nil {
                connection.recording += send.lease.bytes(start..<start + byteCount)
            } else if !send.lease.holds(
                connection.id, from: connection.outbound.writtenByteCount, range: start..<start + byteCount)
            {
                trace.violate("bytes go out as they came in, in order", connection.id)
            }
            connection.outbound.write(byteCount)
            connection.send?.doneByteCount += byteCount
        }
        let doneByteCount = send.doneByteCount + byteCount
        if doneByteCount == send.range.count || doneByteCount > 0 && strikes(faults.shortSend) {
            endSend(connection, 0)
        } else if send.isZeroCopy, strikes(faults.zeroCopyFailure) {
            endSend(connection, ENOMEM)
        }
        guard byteCount > 0 else { return }
        if connection.isClosedByPeer {
            breakConnection(connection, connection.inbound.isEnded ? EPIPE : ECONNRESET)
        } else {
            connection.onReadable?()
        }
    }

    /// The end of a send by itself (`errno` 0), or for a reason, which counts only when nothing went out.
    private func endSend(_ connection: SimulatedConnection, _ errno: Int32) {
        guard let send = connection.send else { return }
        connection.send = nil
        let isFailed = send.doneByteCount == 0
        // A zero-copy send that failed at once has no notification; the kernel may also fail it later.
        let isHeld = send.isZeroCopy && (!isFailed || strikes(faults.zeroCopyFailure))
        if isFailed {
            complete(send.operation, .sendFailed(connection, isHeld ? nil : send.lease, errno: errno))
        } else {
            complete(
                send.operation, .sent(connection, isHeld ? nil : send.lease, byteCount: send.doneByteCount))
        }
        guard isHeld else { return }
        let end = connection.outbound.writtenByteCount
        connection.notifications.append(
            SimulatedConnection.Notification(
                operation: send.operation, lease: send.lease,
                range: send.range.lowerBound..<send.range.lowerBound + send.doneByteCount,
                streamRange: end - send.doneByteCount..<end,
                wasCopied: parameters.copiesZeroCopy))
        advanceNotifications(connection)
    }

    /// A cancelled send is short when something went out, else fails with `ECANCELED`. The connection's receive goes on.
    func cancelSend(_ connection: SimulatedConnection) {
        if !strikes(faults.lateCancel) { endSend(connection, ECANCELED) }
        // A late cancellation is late for a send that can go on, not for one that is stuck.
        if connection.send != nil, connection.outbound.room > 0 { advanceSend(connection) }
        endSend(connection, ECANCELED)
    }

    /// The memory of a zero-copy send is free when the peer has what is in it, or never will; the word comes when it comes.
    func advanceNotifications(_ connection: SimulatedConnection) {
        let isOver = connection.isBroken || connection.isClosedByServer && connection.isResetForPeer
        while let first = connection.notifications.first {
            guard isOver || first.wasCopied || connection.outbound.readByteCount >= first.streamRange.upperBound else {
                return
            }
            connection.notifications.removeFirst()
            let notify = { [unowned self] in
                let isAsItWas =
                    connection.script == nil
                    ? first.lease.holds(connection.id, from: first.streamRange.lowerBound, range: first.range)
                    : first.lease.bytes(first.range).elementsEqual(connection.recording[first.streamRange])
                if !isAsItWas {
                    trace.violate("memory stays as it is while the kernel reads it", connection.id)
                }
                countRelease(of: connection)
                complete(first.operation, .released(connection, first.lease, wasCopied: first.wasCopied))
            }
            if faults.zeroCopyDelay > 0 { after(generator.skewed(0, faults.zeroCopyDelay), notify) } else { notify() }
        }
    }

    // MARK: Ending

    /// Nothing more comes or goes. The first operation that asks is told why; others find the end of the stream, or `EPIPE`.
    func breakConnection(_ connection: SimulatedConnection, _ errno: Int32) {
        guard !connection.isBroken else { return }
        trace.note("the connection breaks", connection.id, Int(errno))
        connection.isBroken = true
        connection.untoldErrno = errno
        guard !connection.isClosedByServer else { return advanceNotifications(connection) }
        if strikes(0.5) { advanceSend(connection) }
        advanceReceive(connection)
        advanceSend(connection)
        advanceNotifications(connection)
    }

    /// The peer is told that the connection was reset, after what it can still read.
    func resetForPeer(_ connection: SimulatedConnection) {
        guard !connection.isResetForPeer else { return }
        connection.isResetForPeer = true
        if strikes(faults.dropOnReset) {
            connection.outbound.drop(keeping: generator.integer(0, connection.outbound.unreadByteCount))
            // Its end of stream, if there was one, came behind that.
            connection.outbound.isEnded = false
        }
        connection.onReadable?()
        connection.onRoom?()
        advanceNotifications(connection)
    }

    func shutdownWrite(_ connection: SimulatedConnection) {
        guard !connection.isBroken else { return }
        connection.outbound.isEnded = true
        connection.onReadable?()
        // It may have waited for room.
        ready.append(connection)
    }

    /// The peer gets what was sent and the end of the stream; a reset, where it sent what was never read. The slot is free.
    func closeByServer(_ connection: SimulatedConnection) {
        freeSlot(of: connection)
        connection.isClosedByServer = true
        if connection.inbound.unreadByteCount > 0 || connection.isBroken {
            resetForPeer(connection)
        } else {
            shutdownWrite(connection)
        }
        advanceNotifications(connection)
        advanceAccept()
    }

    func resetByServer(_ connection: SimulatedConnection) {
        freeSlot(of: connection)
        connection.isClosedByServer = true
        resetForPeer(connection)
        advanceNotifications(connection)
        advanceAccept()
    }

    // MARK: Starting

    /// Starts what was noted, in order; sometimes not all of it, since the submission queue has no room for more.
    func startNoted() {
        var count = noted.count
        if count > 0, strikes(faults.partialSubmission) { count = generator.integer(0, count - 1) }
        let starting = noted.prefix(count)
        noted.removeFirst(count)
        for operation in starting { start(operation) }
    }

    private func start(_ operation: NotedOperation) {
        switch operation {
        case .armAccept(let operation):
            acceptOperation = operation
            advanceAccept()
        case .cancelAccept: endAccept(ECANCELED)
        case .identify(let connection, let operation):
            // A peer that has reset has no address any more; and one needs a descriptor to ask.
            let isUnknown = connection.isBroken || shortageErrno != nil || strikes(faults.unidentified)
            complete(operation, .identified(connection, isUnknown ? nil : connection.address))
        case .armReceive(let connection, let extent, let operation):
            connection.receive = SimulatedConnection.Receive(operation: operation, extent: extent)
            advanceReceive(connection)
        case .cancelReceive(let connection): cancelReceive(connection)
        case .send(let connection, let send):
            connection.send = send
            advanceSend(connection)
        case .cancelSend(let connection): cancelSend(connection)
        case .shutdownWrite(let connection, let operation):
            let halfClose = { [unowned self] in
                shutdownWrite(connection)
                complete(operation, .halfClosed(connection))
            }
            if faults.halfCloseDelay > 0 {
                after(generator.skewed(0, faults.halfCloseDelay), halfClose)
            } else {
                halfClose()
            }
        case .close(let connection): closeByServer(connection)
        case .reset(let connection): resetByServer(connection)
        case .withdraw(let operation): withdraw(operation)
        case .other(let start): start()
        case .setTimer(let timer, let seconds, let operation):
            after(Int(seconds * 1e6)) { [unowned self] in complete(operation, .timer(timer)) }
        }
    }

    /// What is due happens, and receives go on.
    func runDue() {
        while let action = timeline.popDue(at: now) { action() }
        while !ready.isEmpty {
            let connections = ready
            ready = []
            for connection in connections { advanceReceive(connection) }
        }
    }
}
