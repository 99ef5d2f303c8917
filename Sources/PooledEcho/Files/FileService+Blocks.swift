import Glibc
import ZeroPool
import ZeroPoolURing

/// How a response's bytes move: into blocks, and into the queue.
extension FileService {
    /// A read that does not end with its range ends at a multiple of that, so that those after it are of whole pages.
    private static var pageByteCount: Int { 4096 }
    /// What serves where blocks are scarce.
    private static var scarceBlockByteCount: Int { 16 * 1024 }

    // MARK: Blocks

    /// A block of about `byteCount` bytes; nil when there is none, or others wait for one and it is not this one's turn.
    func takeBlock(_ byteCount: Int, atLeast least: Int, _ reactor: Owner) -> PooledBuffer? {
        if let spare = unsafe spareBlock.take() {
            if spare.capacity >= least { return spare }
            return reactor.ring.takeBlock(least)
        }
        guard unsafe blockLine.isEmpty else { return nil }
        return takeAny(byteCount, atLeast: least, reactor)
    }

    /// What the pool can't give in one size it may have in another.
    private func takeAny(_ byteCount: Int, atLeast least: Int, _ reactor: Owner) -> PooledBuffer? {
        var size = byteCount
        while size >= least {
            if let block = reactor.ring.takeBlock(size) { return block }
            size /= 2
        }
        return nil
    }

    /// It waits in line for a block.
    func lackBlock(_ slot: SlotPointer, _ number: ConnectionNumber) {
        unsafe statistics.blockWaits += 1
        unsafe slot.pointee.connection.lacksBlock()
        unsafe blockLine.append(number)
    }

    var waitingCount: Int { unsafe blockLine.count }

    /// Each in line goes on with a block, the longest waiting first, as long as there are any.
    func feed(_ reactor: Owner) {
        // Who waits comes first.
        unsafe files.forgetResponses()
        for _ in 0..<waitingCount {
            guard let block = takeAny(Self.scarceBlockByteCount, atLeast: 4096, reactor),
                let number = unsafe blockLine.popFirst()
            else { return }
            unsafe spareBlock = consume block
            unsafe reactor.slots[Int(number)].connection.fedBlock()
            reactor.advance(number)
            unsafe spareBlock = nil
        }
    }

    // MARK: Filling

    /// Reads what the block still needs; a block that is full goes out.
    func fillBlock(_ slot: SlotPointer, _ place: PlacePointer, _ number: ConnectionNumber, _ reactor: Owner) {
        guard let file = unsafe place.pointee.file else { preconditionFailure("what is sent is open") }
        if unsafe place.pointee.isDirect {
            return unsafe fillDirectBlock(files[file], slot, place, number, reactor)
        }
        let remaining = unsafe slot.pointee.connection.remainingByteCount
        let offset = unsafe place.pointee.offset
        var taken = unsafe place.pointee.block.take()
        if taken == nil { taken = takeBlock(min(remaining, configuration.blockByteCount), atLeast: 1, reactor) }
        guard let block = taken.take() else { return unsafe lackBlock(slot, number) }
        if unsafe place.pointee.requestedByteCount == 0 {
            var end = offset + min(remaining, block.capacity - block.count)
            let pageEnd = end & ~(Self.pageByteCount - 1)
            if end < offset + remaining, pageEnd > offset { end = pageEnd }
            unsafe place.pointee.requestedByteCount = end - offset
        }
        let byteCount = unsafe place.pointee.requestedByteCount
        unsafe statistics.reads += 1
        unsafe slot.pointee.connection.reads()
        unsafe reactor.ring.read(
            into: block, byteCount: byteCount, from: files[file].descriptor, offset: offset, for: number)
    }

    func blockRead(
        _ number: ConnectionNumber, _ lease: consuming PooledBuffer, _ byteCount: Int, _ errno: Int32,
        _ reactor: Owner
    ) {
        let slot = unsafe reactor.slots + Int(number)
        let place = unsafe places + Int(number)
        var block = consume lease
        var byteCount = byteCount
        if unsafe place.pointee.isDirect {
            byteCount = unsafe takeWanted(&block, byteCount, slot, place)
            unsafe place.pointee.requestedByteCount = byteCount
        }
        // One that was interrupted before it read anything is read again: into a block of its own, past the page cache.
        let isKept = unsafe byteCount > 0 || !place.pointee.isDirect
        if isKept { unsafe place.pointee.block = consume block }
        if byteCount > 0 || errno == EINTR || errno == EAGAIN {
            unsafe place.pointee.offset += byteCount
            unsafe place.pointee.requestedByteCount -= byteCount
            unsafe slot.pointee.connection.filled(
                byteCount: byteCount, isFull: byteCount > 0 && place.pointee.requestedByteCount == 0)
        } else {
            if errno == 0 { unsafe statistics.changedFiles += 1 } else { unsafe statistics.failedReads += 1 }
            unsafe fileFailed(slot, place, reactor)
        }
        reactor.advance(number)
    }

    func queueBlock(_ slot: SlotPointer, _ place: PlacePointer, _ reactor: Owner) {
        guard var block = unsafe place.pointee.block.take() else { preconditionFailure("a full block is there") }
        if unsafe place.pointee.keepsResponse, let file = unsafe place.pointee.file {
            block = unsafe files.keep(block, with: file)
        }
        unsafe reactor.queues.push(block, to: &slot.pointee.queue)
    }

    // MARK: Changes

    /// Whether the file is still what the response's head promised.
    func checked(_ number: ConnectionNumber, _ status: FileStatus?, _ reactor: Owner) {
        let slot = unsafe reactor.slots + Int(number)
        let place = unsafe places + Int(number)
        if let status, let file = unsafe place.pointee.file, unsafe Self.isSame(status, files[file].status) {
            unsafe slot.pointee.connection.checked()
        } else {
            unsafe statistics.changedFiles += 1
            unsafe fileFailed(slot, place, reactor)
        }
        reactor.advance(number)
    }

    /// The time of change is left out: links and permissions change it, and the bytes stay the same.
    private static func isSame(_ status: FileStatus, _ other: FileStatus) -> Bool {
        status.byteCount == other.byteCount && status.modified == other.modified && status.number == other.number
    }

    private func fileFailed(_ slot: SlotPointer, _ place: PlacePointer, _ reactor: Owner) {
        if let file = unsafe place.pointee.file { unsafe files.unlistIfListed(file) { reactor.ring.closeFile($0) } }
        unsafe reactor.countFailure(slot)
        unsafe slot.pointee.connection.fileFailed()
    }
}
