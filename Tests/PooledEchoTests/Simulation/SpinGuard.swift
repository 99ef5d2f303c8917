/// Counts attempts between two signs of progress: something moved, or time passed.
struct SpinGuard {
    private let microseconds: Int
    private var start = 0
    private var attempts = 0

    init(microseconds: Int) { self.microseconds = microseconds }

    /// - Returns: attempts since the last progress, this one included.
    mutating func count(now: Int) -> Int {
        if now - start >= microseconds { progress(now: now) }
        attempts += 1
        return attempts
    }

    mutating func progress(now: Int) {
        start = now
        attempts = 0
    }
}
