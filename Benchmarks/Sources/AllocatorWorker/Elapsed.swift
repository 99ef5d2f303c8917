import Glibc

/// How long so many gets and returns took.
struct Elapsed {
    var nanoseconds: Int
    var pairCount: Int

    /// Times `body`, which does `pairCount` gets and returns.
    @inline(__always)
    static func measure(pairCount: Int, _ body: () -> Void) -> Elapsed {
        let start = Elapsed.now()
        body()
        return Elapsed(nanoseconds: Elapsed.now() - start, pairCount: pairCount)
    }

    /// Nanoseconds of the monotonic clock, which all threads share.
    static func now() -> Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}
