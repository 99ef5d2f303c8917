import COpaque

/// 64 buffers at a time, of sizes from 4 KiB to 1 MiB: each step returns one and gets another.
enum MixedSizes<Buffer: Contender & ~Copyable> {
    static func run(source: Buffer.Source, isTouched: Bool, iterationCount: Int) -> Elapsed {
        let steps = SizeTrace.steps
        let slots = UnsafeMutablePointer<Buffer>.allocate(capacity: SizeTrace.slotCount)
        defer { unsafe slots.deallocate() }
        return Buffer.withAccess(to: source, byteCount: nil) { access in
            for slot in 0..<SizeTrace.slotCount {
                unsafe (slots + slot).initialize(to: Buffer.get(steps[slot].byteCount, from: access))
            }
            let elapsed = Elapsed.measure(pairCount: iterationCount) {
                unsafe replay(steps, slots, access, isTouched: isTouched, iterationCount: iterationCount)
            }
            for slot in 0..<SizeTrace.slotCount { unsafe (slots + slot).move().giveBack(to: access) }
            return elapsed
        }
    }

    @inline(never)
    private static func replay(
        _ steps: [SizeTrace.Step], _ slots: UnsafeMutablePointer<Buffer>, _ access: Buffer.Access, isTouched: Bool,
        iterationCount: Int
    ) {
        for iteration in 0..<iterationCount {
            let step = steps[iteration & (steps.count - 1)]
            let slot = unsafe slots + step.slot
            unsafe slot.move().giveBack(to: access)
            var buffer = Buffer.get(opaque_value(step.byteCount), from: access)
            if isTouched {
                buffer.touch(byteCount: step.byteCount)
            } else {
                unsafe buffer.withMemory { unsafe opaque_use($0) }
            }
            unsafe slot.initialize(to: buffer)
        }
    }
}
