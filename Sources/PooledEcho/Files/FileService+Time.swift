import HTTP1
import ZeroPool

/// What is late: files that are kept, heads, readers, ends of streams. Time is ticks of a timer.
extension FileService {
    private func setNow(_ reactor: Owner) {
        let seconds = HTTPDate(secondsSinceEpoch: reactor.ring.wallClockSeconds)
        guard unsafe seconds != now else { return }
        unsafe now = seconds
        unsafe dateText = HTTPDate.Text(seconds)
        // They tell the time.
        unsafe files.forgetResponses()
    }

    /// Somebody comes: from now on time is told.
    func beginTicking(_ reactor: Owner) {
        guard !isTicking else { return }
        isTicking = true
        setNow(reactor)
        reactor.ring.setTimer(.service, seconds: configuration.tickSeconds)
    }

    /// A server without connections and without open files is not woken.
    func ticked(_ reactor: Owner) {
        isTicking = false
        unsafe files.advanceTick { reactor.ring.closeFile($0) }
        handOverLog()
        reactor.forEachOpenConnection { number in look(at: number, reactor) }
        if unsafe reactor.openCount > 0 || files.listedCount > 0 { beginTicking(reactor) }
    }

    /// Progress is a response begun, bytes sent, memory of them released, a state left. (Not bytes received: one now and then would do.)
    private func look(at number: ConnectionNumber, _ reactor: Owner) {
        guard number < placeCount else { return }
        let slot = unsafe reactor.slots + Int(number)
        let place = unsafe places + Int(number)
        let progress = unsafe FilePlace.Progress(
            responseCount: place.pointee.responseCount,
            owedByteCount: slot.pointee.connection.transmission.owedByteCount,
            unreleasedCount: slot.pointee.connection.transmission.unreleasedCount,
            phase: slot.pointee.connection.phase)
        guard unsafe progress == place.pointee.progress, unsafe slot.pointee.connection.isAwaitingPeer else {
            unsafe place.pointee.progress = progress
            unsafe place.pointee.sameProgressTicks = 0
            return
        }
        unsafe place.pointee.sameProgressTicks += 1
        let ticks = unsafe place.pointee.sameProgressTicks
        if unsafe slot.pointee.connection.isWithinHead {
            // One tick more: it may have begun right before the first.
            guard ticks > configuration.ticks(configuration.headSeconds) else { return }
            unsafe statistics.slowHeads += 1
            unsafe refuse(.requestTimeout, isLast: true, slot, place, number, reactor)
        } else if unsafe slot.pointee.connection.isLingering {
            guard ticks > configuration.ticks(FileServiceConfiguration.lingerSeconds) else { return }
            unsafe slot.pointee.connection.lingered()
        } else if unsafe slot.pointee.connection.transmission.isAwaitingPeer {
            // A block that was sent without a copy is the peer's to take still, though the kernel has all of it.
            let isHeld = unsafe slot.pointee.connection.transmission.unreleasedCount > 0
            let byteCount = unsafe max(slot.pointee.sendingByteCount, isHeld ? configuration.maxBlockByteCount : 0)
            guard let limit = sendTicks(byteCount: byteCount), ticks > limit,
                unsafe slot.pointee.connection.cut()
            else { return }
            unsafe statistics.slowReaders += 1
        }
        reactor.advance(number)
    }

    /// As many ticks as a peer may take for a send; nil for any.
    private func sendTicks(byteCount: Int) -> Int? {
        guard configuration.minBytesPerSecond > 0 else { return nil }
        return configuration.ticks(
            configuration.slowGraceSeconds + Double(byteCount) / Double(configuration.minBytesPerSecond))
    }
}
