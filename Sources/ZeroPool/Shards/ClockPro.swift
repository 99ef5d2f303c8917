/// What the policy `.clockPro` knows beside the lists: where its hand stands, and which classes missed what it evicted.
///
/// A *ghost* is a buffer that was evicted for want of idle bytes and would have been reused if it had stayed: CLOCK-Pro's
/// non-resident page in its test period. Buffers of a class are interchangeable, so ghosts are a number a class. A class
/// that is carved from anew while it has a ghost takes that ghost, and its buffer begins hot. Invariants:
/// - `ghostByteCount` is the sum over the classes, and at most `maximumByteCount`; a class has at most
///   `maximumCountPerClass` ghosts: more could not have stayed;
/// - `hand` is a hot idle buffer of the class `handClass`, or nil at the end of that class.
@safe
struct ClockPro {
    /// Where the counting of accesses ends: a buffer is spared by the hand so many times.
    fileprivate static let maximumAccessCount: UInt8 = 3

    private struct Ghosts {
        var count = 0
        /// When the newest of them was evicted, in evictions.
        var newest: UInt64 = 0
    }

    private let minimumShift: Int
    private let maximumCountPerClass: Int
    private let maximumByteCount: Int
    private var ghosts: [Ghosts]
    private(set) var ghostByteCount = 0
    private var evictionCount: UInt64 = 0
    private var hand: DescriptorPointer?
    private var handClass = 0
    /// As many as were hot when the hand came to the class: it does not run after those that come in meanwhile.
    private var stepsLeftInClass = 0
    /// How many bytes of buffers the hand may pass still; below 0 when the last it passed was larger than that.
    private var pressure = 0

    init(minimumShift: Int, classCount: Int, maximumCountPerClass: Int, maximumByteCount: Int) {
        self.minimumShift = minimumShift
        self.maximumCountPerClass = maximumCountPerClass
        self.maximumByteCount = maximumByteCount
        ghosts = Array(repeating: Ghosts(), count: classCount)
    }

    // MARK: Ghosts

    func ghostCount(shift: Int) -> Int { ghosts[shift - minimumShift].count }

    /// A buffer of the class was evicted. The ghosts that have waited longest end where the bound asks for it.
    fileprivate mutating func addGhost(shift: Int) {
        let index = shift - minimumShift
        guard 1 << shift <= maximumByteCount, ghosts[index].count < maximumCountPerClass else { return }
        while ghostByteCount + 1 << shift > maximumByteCount {
            let oldest = ghosts.indices.filter { ghosts[$0].count > 0 }.min { ghosts[$0].newest < ghosts[$1].newest }!
            // At once as many as make room.
            let excess = ghostByteCount + 1 << shift - maximumByteCount
            let count = min(ghosts[oldest].count, (excess - 1) >> (minimumShift + oldest) + 1)
            ghosts[oldest].count -= count
            ghostByteCount -= count << (minimumShift + oldest)
        }
        evictionCount += 1
        ghosts[index].count += 1
        ghosts[index].newest = evictionCount
        ghostByteCount += 1 << shift
    }

    /// Whether the class has a ghost, which ends then.
    fileprivate mutating func takeGhost(shift: Int) -> Bool {
        let index = shift - minimumShift
        guard ghosts[index].count > 0 else { return false }
        ghosts[index].count -= 1
        ghostByteCount -= 1 << shift
        return true
    }

    // MARK: The hand

    /// The part of a newcomer's bytes that the hand moves on: the less, the longer takes a change of demand, and the less
    /// do classes drive each other out that are all in demand. By the traces of the tests: three demands in 300 bursts
    /// hit 96 % with 1, 89 % with 4, 79 % with 8; a steady mix loses 3.3 points to `.lifo` with 1, half a point at most with 4 and 8.
    private static let pressureDivisor = 4

    /// A hot newcomer found no room.
    fileprivate mutating func press(byteCount: Int) {
        pressure = min(pressure + byteCount / ClockPro.pressureDivisor, maximumByteCount)
    }

    /// Moves the hand over the next hot buffer, from the oldest to the newest of each class and on to the next class; nil
    /// when the newcomers so far have not pressed it further, or none is hot.
    mutating func advance(over lists: [IdleBuffers.Lists]) -> DescriptorPointer? {
        guard pressure > 0 else { return nil }
        var classesLeft = lists.count
        while unsafe hand == nil || stepsLeftInClass == 0 {
            guard classesLeft > 0 else { return nil }
            classesLeft -= 1
            handClass = handClass + 1 < lists.count ? handClass + 1 : 0
            unsafe hand = unsafe lists[handClass].hot.oldest
            stepsLeftInClass = lists[handClass].hot.count
        }
        let descriptor = unsafe hand
        unsafe hand = unsafe hand?.pointee.previous
        stepsLeftInClass -= 1
        pressure -= 1 << (minimumShift + handClass)
        return unsafe descriptor
    }

    /// A hot buffer leaves its list: the hand does not stay on it.
    mutating func handLeaves(_ descriptor: DescriptorPointer) {
        if unsafe hand == descriptor { unsafe hand = unsafe descriptor.pointee.previous }
    }
}

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
