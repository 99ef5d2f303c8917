/// The policy `.clockPro`: what is counted when a buffer is taken, and what leaves for a newcomer.
///
/// - A cold newcomer leaves when there is no room, as by `.lifo`, but leaves a ghost: if its class is missed, the next one
///   comes back hot. So nothing that is used once drives out anything.
/// - A hot newcomer drives out cold buffers of other classes. Where they are not enough it moves the hand, over a quarter
///   of its own bytes: hot buffers lose a count there, and are cold after the last. If that is not enough either it leaves,
///   and the hand stays where it is for the next. So a class in demand drives out others that are not, each of which has three
///   counts; those that are in demand as well regain theirs meanwhile, and a demand that exceeds the limit does not make all
///   take turns in driving each other out.
///
/// Work under the lock is bounded for each newcomer (`stepLimit`).
extension IdleBuffers {
    /// A newcomer's bound on evictions, and on steps of the hand: 64, and from 16 MiB up one for each 256 KiB of it, which
    /// take their user longer to fault in than the steps take.
    private static func stepLimit(byteCount: Int) -> Int { max(64, byteCount >> 18) }

    /// As `take`, and counts the access.
    mutating func takeCounting(list: Int) -> DescriptorPointer? {
        let byteCount = 1 << (minimumShift + list)
        if let descriptor = unsafe lists[list].hot.newest {
            unsafe clock?.handLeaves(descriptor)
            unsafe _ = lists[list].hot.removeNewest()
            self.byteCount -= byteCount
            if unsafe descriptor.pointee.accessCount < ClockPro.maximumAccessCount {
                unsafe descriptor.pointee.accessCount += 1
            }
            return unsafe descriptor
        }
        guard let descriptor = unsafe lists[list].cold.removeNewest() else { return nil }
        self.byteCount -= byteCount
        coldByteCount -= byteCount
        unsafe descriptor.pointee.accessCount = 1
        return unsafe descriptor
    }

    /// A buffer was carved anew. It begins hot where it is one that should have stayed.
    mutating func noteFresh(_ descriptor: DescriptorPointer) {
        guard clock != nil else { return }
        let isMissed = unsafe clock!.takeGhost(shift: Int(descriptor.pointee.shift))
        unsafe descriptor.pointee.accessCount = isMissed ? 1 : 0
    }

    /// Decides what leaves so that `newcomer` can stay, or that it leaves itself.
    mutating func makeRoom(for newcomer: DescriptorPointer, _ leaving: inout BufferChain) {
        let shift = unsafe Int(newcomer.pointee.shift)
        let (list, size) = (shift - minimumShift, 1 << shift)
        let isHot = unsafe newcomer.pointee.accessCount > 0
        guard size <= maximumByteCount, maximumCountPerClass > 0 else { return unsafe leaving.push(newcomer) }
        if lists[list].count >= maximumCountPerClass {
            // One of the class leaves in any case, and all are alike but for what is known of them. No ghost: the class
            // is as large as it may be.
            guard isHot, let coldest = unsafe removeColdOldest(list: list) else {
                return unsafe leaving.push(newcomer)
            }
            unsafe leaving.push(coldest)
            // The cold one's place may be the last of the bytes too, and is exactly large enough.
            return unsafe insert(newcomer)
        }
        let excess = byteCount + size - maximumByteCount
        if isHot {
            if evictCold(excess: excess, newcomerList: list, &leaving) { return unsafe insert(newcomer) }
            moveHand(byteCount: size)
            if evictCold(excess: excess, newcomerList: list, &leaving) { return unsafe insert(newcomer) }
        }
        unsafe evictInstead(newcomer, &leaving)
    }

    /// The newcomer leaves, or if it is hot a cold one of its class: the class stays as it is, but for what is known of it.
    private mutating func evictInstead(_ newcomer: DescriptorPointer, _ leaving: inout BufferChain) {
        let shift = unsafe Int(newcomer.pointee.shift)
        clock!.addGhost(shift: shift)
        guard unsafe newcomer.pointee.accessCount > 0, let coldest = unsafe removeColdOldest(list: shift - minimumShift)
        else {
            return unsafe leaving.push(newcomer)
        }
        unsafe leaving.push(coldest)
        unsafe insert(newcomer)
    }

    /// Lets cold buffers of other classes leave until there are `excess` bytes less; none at all, and false, when that needs
    /// more than there are, or than the newcomer may evict.
    ///
    /// The class with most cold bytes gives first, the oldest of it.
    private mutating func evictCold(excess: Int, newcomerList: Int, _ leaving: inout BufferChain) -> Bool {
        let own = lists[newcomerList].cold.count << (minimumShift + newcomerList)
        guard excess <= coldByteCount - own else { return false }
        var left = Room(excess: excess, excludedLists: 1 << newcomerList)
        var count = 0
        while let victim = nextVictims(&left) { count += victim.count }
        guard count <= IdleBuffers.stepLimit(byteCount: 1 << (minimumShift + newcomerList)) else { return false }
        left = Room(excess: excess, excludedLists: 1 << newcomerList)
        while let victim = nextVictims(&left) {
            for _ in 0..<victim.count {
                guard let coldest = unsafe removeColdOldest(list: victim.list) else { break }
                unsafe leaving.push(coldest)
                clock!.addGhost(shift: minimumShift + victim.list)
            }
        }
        return true
    }

    /// What room is looked for still, and in which classes not any more.
    private struct Room {
        var excess: Int
        var excludedLists: UInt32
    }

    /// How many have to leave of the class with most cold bytes; nil when there is room enough.
    private func nextVictims(_ left: inout Room) -> (list: Int, count: Int)? {
        guard left.excess > 0 else { return nil }
        let excludedLists = left.excludedLists
        let (list, coldByteCount) = lists.indices.largest {
            excludedLists >> $0 & 1 == 1 ? 0 : lists[$0].cold.count << (minimumShift + $0)
        }
        guard coldByteCount > 0 else { return nil }
        let count = min(lists[list].cold.count, (left.excess - 1) >> (minimumShift + list) + 1)
        left.excess -= count << (minimumShift + list)
        left.excludedLists |= 1 << list
        return (list, count)
    }

    /// Moves the hand on for a newcomer: each hot buffer that it passes loses a count, and is cold at 0.
    private mutating func moveHand(byteCount: Int) {
        clock!.press(byteCount: byteCount)
        var stepsLeft = IdleBuffers.stepLimit(byteCount: byteCount)
        while stepsLeft > 0, let descriptor = unsafe clock!.advance(over: lists) {
            let shift = unsafe Int(descriptor.pointee.shift)
            stepsLeft -= 1
            unsafe descriptor.pointee.accessCount -= 1
            guard unsafe descriptor.pointee.accessCount == 0 else { continue }
            unsafe lists[shift - minimumShift].hot.remove(descriptor)
            unsafe lists[shift - minimumShift].cold.insertNewest(descriptor)
            coldByteCount += 1 << shift
        }
    }
}
