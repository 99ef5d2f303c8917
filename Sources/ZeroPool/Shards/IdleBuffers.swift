import Synchronization

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A shard's idle buffers: what came home and waits for the next get, by class.
///
/// Guarded by the shard's lock. Gets take the newest of a class, whose memory the processor's cache may still have; what
/// leaves is looked for from the oldest. What is hot and what is cold stand apart, so that neither is searched for; by the
/// policy `.lifo` all are cold. Invariants:
/// - `byteCount` is the sum over all lists, `coldByteCount` that over the cold ones;
/// - a list's buffers are of its class, with an access count of 0 in the cold one, of 1 to 3 in the hot one;
/// - at most `maximumCountPerClass` of a class, and `maximumByteCount` bytes in all.
@safe
struct IdleBuffers {
    struct Lists {
        var hot = BufferList()
        var cold = BufferStack()
        var count: Int { hot.count + cold.count }
    }

    let minimumShift: Int
    let maximumCountPerClass: Int
    let maximumByteCount: Int
    /// By class.
    var lists: [Lists]
    var byteCount = 0
    var coldByteCount = 0
    /// Of the policy `.clockPro`.
    var clock: ClockPro?

    init(_ configuration: BufferPool.Configuration) {
        minimumShift = configuration.minimumShift
        maximumCountPerClass = configuration.maxBuffersPerShard
        maximumByteCount = configuration.idleByteLimitPerShard
        lists = Array(repeating: Lists(), count: configuration.classCount)
        switch configuration.evictionPolicy {
        case .lifo: break
        case .clockPro:
            clock = ClockPro(
                minimumShift: minimumShift, classCount: configuration.classCount,
                maximumCountPerClass: maximumCountPerClass, maximumByteCount: maximumByteCount)
        }
    }

    /// How many buffers of the class of `shift` are idle.
    func count(shift: Int) -> Int { lists[shift - minimumShift].count }

    /// How many buffers are idle in all.
    var count: Int { lists.reduce(0) { $0 + $1.count } }

    /// The newest of the class, a hot one before a cold one; or nil.
    mutating func take(shift: Int) -> DescriptorPointer? {
        let list = shift - minimumShift
        if clock != nil { return unsafe takeCounting(list: list) }
        guard let descriptor = unsafe lists[list].cold.removeNewest() else { return nil }
        byteCount -= 1 << shift
        coldByteCount -= 1 << shift
        return unsafe descriptor
    }

    /// Moves up to `limit` of the class to `destination`, the one that `take` would give last; how many.
    @inline(__always)
    mutating func take(shift: Int, upTo limit: Int, to destination: UnsafeMutablePointer<DescriptorPointer>) -> Int {
        guard clock == nil else {
            let count = min(limit, count(shift: shift))
            for index in (0..<count).reversed() { unsafe destination[index] = unsafe take(shift: shift)! }
            return count
        }
        let count = unsafe lists[shift - minimumShift].cold.moveNewest(limit, to: destination)
        byteCount -= count << shift
        coldByteCount -= count << shift
        return count
    }

    /// Keeps a batch of the class that came home, the last of it the newest, if all of it has room without anything
    /// leaving; else does nothing.
    @inline(__always)
    mutating func addWhole(
        _ batch: UnsafeBufferPointer<DescriptorPointer>, shift: Int, idleSince: IdleClock.Tick
    ) -> Bool {
        // By the other policy each has a history of its own.
        guard clock == nil, batch.count <= room(shift: shift) else { return false }
        unsafe lists[shift - minimumShift].cold.insertNewest(batch, idleSince: idleSince)
        byteCount += batch.count << shift
        coldByteCount += batch.count << shift
        return true
    }

    static func trapReturnedTwice() -> Never { fatalError("ZeroPool: a buffer was returned twice") }

    /// Keeps a buffer that came home; what has to leave for it, or it itself, comes back.
    mutating func add(_ descriptor: DescriptorPointer) -> BufferChain {
        guard unsafe !descriptor.pointee.isIdle else { IdleBuffers.trapReturnedTwice() }
        var leaving = BufferChain()
        let shift = unsafe Int(descriptor.pointee.shift)
        let list = shift - minimumShift
        if lists[list].count < maximumCountPerClass, byteCount + 1 << shift <= maximumByteCount {
            unsafe insert(descriptor)
        } else if clock != nil {
            unsafe makeRoom(for: descriptor, &leaving)
        } else {
            // Last in, first out of the pool: what stays is what was there.
            unsafe leaving.push(descriptor)
        }
        return leaving
    }

    /// As many more of the class of `shift` as the limits allow without anything leaving.
    @inline(__always)
    func room(shift: Int) -> Int {
        max(0, min(maximumCountPerClass - count(shift: shift), (maximumByteCount - byteCount) >> shift))
    }

    /// Takes out all, of every class.
    mutating func removeAll() -> BufferChain { unsafe removeAll { _ in true } }

    /// Takes out every buffer for which `condition` holds: a walk over all.
    mutating func removeAll(where condition: (DescriptorPointer) -> Bool) -> BufferChain {
        var leaving = BufferChain()
        for list in lists.indices {
            let shift = minimumShift + list
            let coldCount = lists[list].cold.count
            unsafe lists[list].cold.removeAll(where: condition, into: &leaving)
            let goneByteCount = (coldCount - lists[list].cold.count) << shift
            byteCount -= goneByteCount
            coldByteCount -= goneByteCount
            var next = unsafe lists[list].hot.oldest
            while let descriptor = unsafe next {
                unsafe next = unsafe descriptor.pointee.previous
                guard unsafe condition(descriptor) else { continue }
                unsafe removeHot(descriptor)
                unsafe leaving.push(descriptor)
            }
        }
        return leaving
    }

    /// Calls `body` with every buffer, the cold ones before the hot ones, from the oldest of each class, until it returns false.
    func forEachFromColdest(_ body: (DescriptorPointer) -> Bool) {
        for list in lists {
            guard unsafe list.cold.forEachFromOldest(body) else { return }
        }
        for list in lists {
            var next = unsafe list.hot.oldest
            while let descriptor = unsafe next {
                guard unsafe body(descriptor) else { return }
                unsafe next = unsafe descriptor.pointee.previous
            }
        }
    }

    // MARK: The lists

    mutating func insert(_ descriptor: DescriptorPointer) {
        let shift = unsafe Int(descriptor.pointee.shift)
        byteCount += 1 << shift
        if unsafe descriptor.pointee.accessCount == 0 {
            unsafe lists[shift - minimumShift].cold.insertNewest(descriptor)
            coldByteCount += 1 << shift
        } else {
            unsafe lists[shift - minimumShift].hot.insertNewest(descriptor)
        }
    }

    /// The oldest of the cold ones of that list.
    mutating func removeColdOldest(list: Int) -> DescriptorPointer? {
        guard let descriptor = unsafe lists[list].cold.removeOldest() else { return nil }
        byteCount -= 1 << (minimumShift + list)
        coldByteCount -= 1 << (minimumShift + list)
        return unsafe descriptor
    }

    private mutating func removeHot(_ descriptor: DescriptorPointer) {
        let shift = unsafe Int(descriptor.pointee.shift)
        byteCount -= 1 << shift
        unsafe clock?.handLeaves(descriptor)
        unsafe lists[shift - minimumShift].hot.remove(descriptor)
    }
}

extension Range<Int> {
    /// The index with the largest value, the first of several, and that value; 0 and 0 when all are 0.
    func largest(_ value: (Int) -> Int) -> (index: Int, value: Int) {
        var largest = (index: 0, value: 0)
        for index in self {
            let candidate = value(index)
            if candidate > largest.value { largest = (index, candidate) }
        }
        return largest
    }
}

/// Idle buffers linked both ways through their descriptors, from the newest to the oldest.
///
/// Guarded by the shard's lock. `count` is the number of buffers; a buffer is in one list at most.
@safe
struct BufferList {
    private(set) var newest: DescriptorPointer?
    private(set) var oldest: DescriptorPointer?
    private(set) var count = 0

    mutating func insertNewest(_ descriptor: DescriptorPointer) {
        unsafe descriptor.pointee.isIdle = true
        unsafe descriptor.pointee.previous = nil
        unsafe descriptor.pointee.next = unsafe newest
        if let newest = unsafe newest {
            unsafe newest.pointee.previous = unsafe descriptor
        } else {
            unsafe oldest = unsafe descriptor
        }
        unsafe newest = unsafe descriptor
        count += 1
    }

    mutating func removeNewest() -> DescriptorPointer? {
        guard let descriptor = unsafe newest else { return nil }
        unsafe descriptor.pointee.isIdle = false
        unsafe newest = unsafe descriptor.pointee.next
        if let newest = unsafe newest {
            unsafe newest.pointee.previous = nil
        } else {
            unsafe oldest = nil
        }
        count -= 1
        return unsafe descriptor
    }

    mutating func remove(_ descriptor: DescriptorPointer) {
        unsafe descriptor.pointee.isIdle = false
        let (newer, older) = unsafe (descriptor.pointee.previous, descriptor.pointee.next)
        if let newer = unsafe newer {
            unsafe newer.pointee.next = unsafe older
        } else {
            unsafe newest = unsafe older
        }
        if let older = unsafe older {
            unsafe older.pointee.previous = unsafe newer
        } else {
            unsafe oldest = unsafe newer
        }
        count -= 1
    }
}

/// Tells how long memory has been idle, in ticks of 2²⁴ ns (17 ms). Read on slow paths only.
///
/// Ticks are the low 32 bits of a count that wraps after 834 days: compare only differences (`elapsed`). The
/// source is `CLOCK_MONOTONIC_COARSE`, which is no system call and a third of the cost of the fine clock.
struct IdleClock: Sendable {
    typealias Tick = UInt32

    /// Nil for the system's time; else the time is what a test says.
    private let byHand: HandClock?

    static let system = IdleClock(byHand: nil)

    static func byHand(_ clock: HandClock) -> IdleClock { IdleClock(byHand: clock) }

    var now: Tick {
        guard byHand == nil else { return byHand!.tick.load(ordering: .relaxed) }
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return Tick(truncatingIfNeeded: (UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)) >> 24)
    }

    /// How long after `start` it is at `now`; 0 when another thread's `start` is newer than a `now` read before it.
    static func elapsed(since start: Tick, at now: Tick) -> Tick { Tick(max(0, Int32(bitPattern: now &- start))) }

    /// As many ticks as pass in so many seconds, rounded up; nil where they are more than can be told apart (417 days).
    static func ticks(seconds: Double) -> Tick? {
        let ticks = (seconds * 1e9 / Double(1 << 24)).rounded(.up)
        return ticks < Double(Int32.max) ? Tick(ticks) : nil
    }
}

/// Time that passes when a test says so.
final class HandClock: Sendable {
    let tick: Atomic<IdleClock.Tick>

    init(tick: IdleClock.Tick) { self.tick = Atomic(tick) }

    func advance(seconds: Double) { tick.wrappingAdd(IdleClock.ticks(seconds: seconds)!, ordering: .relaxed) }
}
