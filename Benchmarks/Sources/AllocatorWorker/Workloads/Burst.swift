import COpaque

/// Gets a number of buffers of 64 KiB, then returns them all, the first first.
enum Burst<Buffer: Contender & ~Copyable> {
    static func run(source: Buffer.Source, bufferCount: Int, iterationCount: Int) -> Elapsed {
        let slots = UnsafeMutablePointer<Buffer>.allocate(capacity: bufferCount)
        defer { unsafe slots.deallocate() }
        return Buffer.withAccess(to: source, byteCount: Workload.usualByteCount) { access in
            Elapsed.measure(pairCount: iterationCount * bufferCount) {
                for _ in 0..<iterationCount { unsafe getAllReturnAll(access, slots, bufferCount: bufferCount) }
            }
        }
    }

    @inline(never)
    private static func getAllReturnAll(
        _ access: Buffer.Access, _ slots: UnsafeMutablePointer<Buffer>, bufferCount: Int
    ) {
        for index in 0..<bufferCount {
            var buffer = Buffer.get(opaque_value(Workload.usualByteCount), from: access)
            unsafe buffer.withMemory { unsafe opaque_use($0) }
            unsafe (slots + index).initialize(to: buffer)
        }
        for index in 0..<bufferCount { unsafe (slots + index).move().giveBack(to: access) }
    }
}
