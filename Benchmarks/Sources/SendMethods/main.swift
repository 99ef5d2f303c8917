// Which way of sending pooled, registered memory over a loopback TCP connection costs the least CPU time: SEND (which can't
// use the registration), WRITE_FIXED or zero-copy SEND_ZC, in interleaved rounds of one run.
//
//   send-methods
import Distribution
import Glibc
import ZeroPool
import ZeroPoolURing

let roundCount = 41
let methods: [(name: String, method: RingPool.SendMethod)] = [
    ("SEND", .plain), ("WRITE_FIXED", .fixed), ("SEND_ZC, fixed", .zeroCopy),
]

signal(SIGPIPE, SIG_IGN)
let pool = BufferPool()
let ring = try Ring()
pool.bindCurrentThread(toShard: 0)
let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
let pair = SocketPair(bufferByteCount: 4 << 20)
let sink = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)

/// Sends a message whole and receives it; the lease comes back.
@MainActor
func exchange(_ message: consuming PooledBuffer, by method: RingPool.SendMethod) -> PooledBuffer {
    let byteCount = message.count
    ringPool.send(message, to: .file(pair.sender), method: method, waitAll: true, context: 0)
    var returned: PooledBuffer?
    var isReceived = false
    while true {
        do { try ring.submitAndWait() } catch { fatalError("\(error)") }
        ring.forEachCompletion { completion in
            guard var completed = ringPool.complete(completion) else { return }
            precondition(
                completion.flags.contains(.notification) || Int(completion.result) == byteCount,
                "a send came short: \(completion.result)")
            if let lease = completed.lease.take() { returned = consume lease }
        }
        if !isReceived {
            unsafe pair.drain(byteCount: byteCount, into: sink)
            isReceived = true
        }
        if let lease = returned.take() { return lease }
    }
}

/// Microseconds of this thread's CPU time for a message, sent and received.
@MainActor
func microseconds(_ method: RingPool.SendMethod, byteCount: Int) -> Double {
    let messageCount = max(100, min(2000, (8 << 20) / byteCount))
    var message = pool.get(zeroed: byteCount)
    message = exchange(message, by: method)
    let start = processorNanoseconds()
    for _ in 0..<messageCount { message = exchange(message, by: method) }
    return Double(processorNanoseconds() - start) / 1000 / Double(messageCount)
}

func processorNanoseconds() -> Int {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

print(
    "| message | method | µs of CPU per message, sent and received | 10th–90th percentile of \(roundCount) rounds | ÷ SEND |"
)
print("| --- | --- | ---: | ---: | ---: |")
for byteCount in [512, 4096, 65536, 262_144] {
    let rounds = (0..<roundCount).map { _ in methods.map { microseconds($0.method, byteCount: byteCount) } }
    for (index, method) in methods.enumerated() {
        let ratio = Distribution(rounds.map { $0[index] / $0[0] })
        print(
            "| \(byteCount) B | \(method.name) | \(Distribution(rounds.map { $0[index] })) | \((ratio.median * 100).rounded() / 100) |"
        )
    }
}
precondition(ringPool.registrations.plainFallbackCount == 0, "what was to use registered memory did not")
let counts = ring.operationCounts.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
print("\nOperations: \(counts); \(ringPool.registrations.fixedOperationCount) named registered memory.")
