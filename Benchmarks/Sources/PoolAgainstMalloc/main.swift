// Get and return of 64 KiB against malloc and free, memory untouched, in interleaved rounds of one run.
//
//   pool-vs-malloc                       exits with 1 when the pool is less than ten times as fast
import COpaque
import Distribution
import Glibc
import ZeroPool

let roundCount = 101
let iterationsPerRound = 100_000
let byteCount = 64 << 10
let requiredRatio = 10.0

@inline(never)
func nanosecondsOfPool(_ pool: BufferPool) -> Double {
    measure {
        let buffer = pool.get(opaque_value(byteCount))
        unsafe opaque_use(buffer.baseAddress)
    }
}

@inline(never)
func nanosecondsOfMalloc() -> Double {
    measure {
        let memory = unsafe malloc(opaque_value(byteCount))!
        unsafe opaque_use(memory)
        unsafe free(memory)
    }
}

/// Nanoseconds for one call of `body`, on average over a round.
@inline(__always)
func measure(_ body: () -> Void) -> Double {
    let start = ContinuousClock.now
    for _ in 0..<iterationsPerRound { body() }
    return (ContinuousClock.now - start) / .nanoseconds(1) / Double(iterationsPerRound)
}

// glibc takes no lock while a process has one thread; a program that does I/O has more.
var thread = pthread_t()
let status = unsafe pthread_create(&thread, nil, { @Sendable _ in while true { pause() } }, nil)
precondition(status == 0, "pthread_create failed: \(status)")

let pool = BufferPool()
_ = (nanosecondsOfPool(pool), nanosecondsOfMalloc())
let rounds = (0..<roundCount).map { _ in (pool: nanosecondsOfPool(pool), malloc: nanosecondsOfMalloc()) }
let ratio = Distribution(rounds.map { $0.malloc / $0.pool })

print("| get + return of 64 KiB, untouched | median | 10th–90th percentile of \(roundCount) rounds |")
print("| --- | ---: | ---: |")
print("| ZeroPool, ns | \(Distribution(rounds.map(\.pool))) |")
print("| glibc malloc + free, ns | \(Distribution(rounds.map(\.malloc))) |")
print("| times as fast | \(ratio) |")
let isGoalMet = ratio.median >= requiredRatio
print("\nGoal: at least \(Int(requiredRatio)) times as fast, \(isGoalMet ? "met" : "missed").")
exit(isGoalMet ? 0 : 1)
