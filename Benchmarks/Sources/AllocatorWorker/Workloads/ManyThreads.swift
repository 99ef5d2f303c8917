/// Threads that each get and return 64 KiB, untouched, all from one source.
enum ManyThreads<Buffer: Contender & ~Copyable> {
    /// Nanoseconds of all the processors in use, so that one thread and several compare.
    static func run(source: Buffer.Source, threadCount: Int, iterationCount: Int) -> Elapsed {
        let threads = PinnedThreads(count: threadCount)
        let nanoseconds = threads.run { _ in
            Buffer.withAccess(to: source, byteCount: Workload.usualByteCount) { access in
                let start = Elapsed.now()
                GetReturn<Buffer>.untouched(
                    access, byteCount: Workload.usualByteCount, iterationCount: iterationCount)
                return (start, Elapsed.now())
            }
        }
        return Elapsed(
            nanoseconds: nanoseconds * min(threadCount, threads.processors.count),
            pairCount: threadCount * iterationCount)
    }
}
