import COpaque

/// Get and return, one after the other.
enum GetReturn<Buffer: Contender & ~Copyable> {
    static func run(source: Buffer.Source, byteCount: Int, isTouched: Bool, iterationCount: Int) -> Elapsed {
        Buffer.withAccess(to: source, byteCount: byteCount) { access in
            Elapsed.measure(pairCount: iterationCount) {
                if isTouched {
                    touching(access, byteCount: byteCount, iterationCount: iterationCount)
                } else {
                    untouched(access, byteCount: byteCount, iterationCount: iterationCount)
                }
            }
        }
    }

    /// The size is opaque, and so is who uses the memory: the compiler can neither know the one nor remove the other.
    @inline(never)
    static func untouched(_ access: Buffer.Access, byteCount: Int, iterationCount: Int) {
        for _ in 0..<iterationCount {
            var buffer = Buffer.get(opaque_value(byteCount), from: access)
            unsafe buffer.withMemory { unsafe opaque_use($0) }
            buffer.giveBack(to: access)
        }
    }

    @inline(never)
    static func touching(_ access: Buffer.Access, byteCount: Int, iterationCount: Int) {
        for _ in 0..<iterationCount {
            var buffer = Buffer.get(opaque_value(byteCount), from: access)
            buffer.touch(byteCount: byteCount)
            buffer.giveBack(to: access)
        }
    }
}

extension Contender where Self: ~Copyable {
    /// Writes a byte into each page.
    @inline(__always)
    mutating func touch(byteCount: Int) {
        unsafe withMemory { memory in
            var offset = 0
            while offset < byteCount {
                unsafe memory.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
                offset += 4096
            }
            unsafe opaque_use(memory)
        }
    }
}
