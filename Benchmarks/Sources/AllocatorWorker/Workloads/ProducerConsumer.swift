import COpaque

/// One thread gets buffers of 64 KiB and hands them over; another returns them.
enum ProducerConsumer<Buffer: Contender & ~Copyable> {
    static func run(source: Buffer.Source, iterationCount: Int) -> Elapsed {
        let ring = BoundedRing<Buffer>()
        let nanoseconds = PinnedThreads(count: 2).run { index in
            Buffer.withAccess(to: source, byteCount: Workload.usualByteCount) { access in
                let start = Elapsed.now()
                if index == 0 {
                    produce(into: ring, access, count: iterationCount)
                } else {
                    consume(from: ring, access, count: iterationCount)
                }
                return (start, Elapsed.now())
            }
        }
        return Elapsed(nanoseconds: nanoseconds, pairCount: iterationCount)
    }

    @inline(never)
    private static func produce(into ring: BoundedRing<Buffer>, _ access: Buffer.Access, count: Int) {
        for _ in 0..<count {
            var buffer = Buffer.get(opaque_value(Workload.usualByteCount), from: access)
            unsafe buffer.withMemory { unsafe opaque_use($0) }
            ring.push(buffer)
        }
    }

    @inline(never)
    private static func consume(from ring: BoundedRing<Buffer>, _ access: Buffer.Access, count: Int) {
        for _ in 0..<count { ring.pop().giveBack(to: access) }
    }
}
