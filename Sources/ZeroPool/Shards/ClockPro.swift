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
    static let maximumAccessCount: UInt8 = 3

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
    mutating func addGhost(shift: Int) {
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
    mutating func takeGhost(shift: Int) -> Bool {
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
    mutating func press(byteCount: Int) {
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
