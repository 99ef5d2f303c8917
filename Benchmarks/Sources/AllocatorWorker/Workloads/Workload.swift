/// What is done with buffers in a round.
enum Workload {
    /// Get and return, one after the other.
    case getReturn(byteCount: Int, isTouched: Bool)
    /// Sizes from 4 KiB to 1 MiB, of 64 buffers at a time.
    case mixedSizes(isTouched: Bool)
    /// Get all, then return all.
    case burst(bufferCount: Int)
    /// As many threads, each of which gets and returns.
    case threads(count: Int)
    /// One thread gets, another returns.
    case producerConsumer

    /// As large as the buffers are of workloads that do not say it.
    static let usualByteCount = 64 << 10

    /// By its name: `untouched:BYTES`, `touched:BYTES`, `mixed`, `mixed-touched`, `burst:COUNT`, `threads:COUNT`, `producer-consumer`.
    init?(_ name: some StringProtocol) {
        let parts = name.split(separator: ":")
        switch (parts.first, parts.count == 2 ? Int(parts[1]) : nil) {
        case ("untouched", let byteCount?): self = .getReturn(byteCount: byteCount, isTouched: false)
        case ("touched", let byteCount?): self = .getReturn(byteCount: byteCount, isTouched: true)
        case ("mixed", nil): self = .mixedSizes(isTouched: false)
        case ("mixed-touched", nil): self = .mixedSizes(isTouched: true)
        case ("burst", let count?): self = .burst(bufferCount: count)
        case ("threads", let count?): self = .threads(count: count)
        case ("producer-consumer", nil): self = .producerConsumer
        default: return nil
        }
    }

    /// Runs it with `iterationCount` repetitions of its loop; only these are timed.
    func run<Buffer: Contender & ~Copyable>(
        _ buffer: Buffer.Type, source: Buffer.Source, iterationCount: Int
    ) -> Elapsed {
        switch self {
        case .getReturn(let byteCount, let isTouched):
            GetReturn<Buffer>.run(
                source: source, byteCount: byteCount, isTouched: isTouched, iterationCount: iterationCount)
        case .mixedSizes(let isTouched):
            MixedSizes<Buffer>.run(source: source, isTouched: isTouched, iterationCount: iterationCount)
        case .burst(let count): Burst<Buffer>.run(source: source, bufferCount: count, iterationCount: iterationCount)
        case .threads(let count):
            ManyThreads<Buffer>.run(source: source, threadCount: count, iterationCount: iterationCount)
        case .producerConsumer: ProducerConsumer<Buffer>.run(source: source, iterationCount: iterationCount)
        }
    }
}
