import Glibc
import ZeroPool
import ZeroPoolURing

/// Reads past the page cache: of aligned offsets and lengths, into blocks of their own. What a response does not want of
/// such a block is not sent.
extension FileService {
    /// What every device takes that takes anything; a file that wants more says so.
    private static var leastAlignment: Int { 4096 }
    /// A part that begins within a page moves to the front of its block: a short read, so that little is moved.
    private static var unalignedByteCount: Int { 64 * 1024 }

    /// Whether a response is better read past the page cache.
    func wantsDirect(_ file: OpenFile, _ range: Range<Int>, _ reactor: Owner) -> Bool {
        switch configuration.engine {
        case .buffered: false
        case .direct: !range.isEmpty
        case .auto:
            range.count >= configuration.directByteCount
                && !reactor.ring.isResident(file.descriptor, range)
        }
    }

    /// Reads the next block. It goes out when it has come, whole or short.
    func fillDirectBlock(
        _ file: OpenFile, _ slot: SlotPointer, _ place: PlacePointer, _ number: ConnectionNumber, _ reactor: Owner
    ) {
        let alignment = max(Self.leastAlignment, file.status.directOffsetAlignment)
        let remaining = unsafe slot.pointee.connection.remainingByteCount
        let offset = unsafe place.pointee.offset
        let start = offset & ~(alignment - 1)
        let limit = offset == start ? configuration.directBlockByteCount : Self.unalignedByteCount
        let wanted = (offset - start + remaining + alignment - 1) & ~(alignment - 1)
        guard let block = takeBlock(min(wanted, max(limit, alignment)), atLeast: alignment, reactor) else {
            return unsafe lackBlock(slot, number)
        }
        let byteCount = min(wanted, block.capacity & ~(alignment - 1))
        unsafe statistics.reads += 1
        unsafe statistics.directReads += 1
        unsafe place.pointee.skippedByteCount = offset - start
        unsafe slot.pointee.connection.reads()
        reactor.ring.read(into: block, byteCount: byteCount, from: file.descriptor, offset: start, for: number)
    }

    /// What came of it: only the bytes that the response wants, at the front. - Returns: how many; 0 where the file has ended.
    func takeWanted(
        _ block: inout PooledBuffer, _ byteCount: Int, _ slot: SlotPointer, _ place: PlacePointer
    ) -> Int {
        let skipped = unsafe place.pointee.skippedByteCount
        let count = unsafe min(max(0, byteCount - skipped), slot.pointee.connection.remainingByteCount)
        if skipped > 0, count > 0 {
            // SAFETY: both places are within what was read.
            unsafe memmove(block.baseAddress, block.baseAddress + skipped, count)
        }
        block.truncate(to: count)
        return count
    }
}
