import Glibc
import Synchronization

/// A queue of 64 places between one thread that pushes and one that pops.
///
/// Each side has a cache line of its own, in which it also keeps what it last saw of the other's number.
@safe
final class BoundedRing<Element: ~Copyable>: @unchecked Sendable {
    // SAFETY: a place belongs to the producer from when the consumer's number has passed it, and to the consumer from
    // when the producer's has; both are stored with release and loaded with acquire.
    private static var capacity: Int { 64 }
    private let places: UnsafeMutablePointer<Element>

    private let pushedCount = Atomic<Int>(0)
    private var poppedCountSeenByProducer = 0
    private let gap = InlineArray<16, Int>(repeating: 0)
    private let poppedCount = Atomic<Int>(0)
    private var pushedCountSeenByConsumer = 0

    init() { unsafe places = .allocate(capacity: BoundedRing.capacity) }

    deinit {
        precondition(pushedCount.load(ordering: .acquiring) == poppedCount.load(ordering: .acquiring))
        unsafe places.deallocate()
    }

    /// Waits for a free place.
    @inline(__always)
    func push(_ element: consuming Element) {
        let number = pushedCount.load(ordering: .relaxed)
        if number - poppedCountSeenByProducer == BoundedRing.capacity {
            poppedCountSeenByProducer = BoundedRing.wait(poppedCount, toPass: number - BoundedRing.capacity)
        }
        unsafe (places + (number & (BoundedRing.capacity - 1))).initialize(to: element)
        pushedCount.store(number + 1, ordering: .releasing)
    }

    /// Waits for an element.
    @inline(__always)
    func pop() -> Element {
        let number = poppedCount.load(ordering: .relaxed)
        if number == pushedCountSeenByConsumer {
            pushedCountSeenByConsumer = BoundedRing.wait(pushedCount, toPass: number)
        }
        let element = unsafe (places + (number & (BoundedRing.capacity - 1))).move()
        poppedCount.store(number + 1, ordering: .releasing)
        return element
    }

    /// Spins for a moment, then lets others run: both threads may have to share a processor.
    @inline(never)
    private static func wait(_ count: borrowing Atomic<Int>, toPass number: Int) -> Int {
        var triesLeft = 1000
        while true {
            let seen = count.load(ordering: .acquiring)
            if seen > number { return seen }
            triesLeft -= 1
            if triesLeft <= 0 { sched_yield() }
        }
    }
}
