/// How the memory that load leaves behind goes back to the system, also when nothing happens any more.
///
/// A timer looks after it, which is set when something came and the ring holds more memory than it began with. So it
/// ends of itself: a server at rest, or one in which nothing moves, is not woken.
extension Reactor {
    /// With so few events between two looks nobody misses memory that is warm.
    private static var calmEventCount: Int { 64 }

    /// To be called at the end of each turn.
    @inline(__always)
    func watchMemory() {
        if unsafe eventCount > 0 && !isTrimTimerSet && ring.isAboveRest { setTrimTimer() }
    }

    @inline(never)
    private func setTrimTimer() {
        guard limits.trimSeconds > 0 else { return }
        unsafe eventCount = 0
        isTrimTimerSet = true
        ring.setTimer(.trim, seconds: limits.trimSeconds)
    }

    func trimTimerTicked() {
        isTrimTimerSet = false
        if unsafe eventCount > Self.calmEventCount {
            ring.trim(olderThanSeconds: limits.trimSeconds)
        } else {
            unsafe eventCount = 0
            ring.beginRest()
        }
    }
}
