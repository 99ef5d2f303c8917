#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif
import Synchronization

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
