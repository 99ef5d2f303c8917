#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

extension BufferPool {
    /// Leases that one source line took, and that have not ended.
    public struct OutstandingLeases: Sendable, Hashable, Codable, CustomStringConvertible {
        /// The file, as in `#fileID`: module and name.
        public var file: String
        /// The line in the file.
        public var line: Int
        /// The number of leases.
        public var count: Int
        /// The sum of their capacities.
        public var byteCount: Int
        /// When the oldest was taken, as a number: the pool's gets and returns are numbered from 1.
        public var oldestEvent: Int
        /// The thread that took the oldest: threads are numbered from 1, in order of their first use of any pool.
        public var oldestThread: Int

        /// A line for a report.
        public var description: String {
            """
            \(file):\(line): \(count) \(count == 1 ? "lease" : "leases"), \(byteCount) bytes; the oldest as event \
            \(oldestEvent), by thread \(oldestThread)
            """
        }

        /// In sum, records of one site, of which there is one at least.
        init(_ records: [LeaseRecord]) {
            let oldest = records.min { $0.taken.number < $1.taken.number }!
            file = oldest.site.file.description
            line = Int(oldest.site.line)
            count = records.count
            byteCount = records.reduce(0) { $0 + $1.byteCount }
            oldestEvent = oldest.taken.number
            oldestThread = oldest.taken.thread
        }
    }

    /// The leases of a debugging pool that have not ended, by the source line that took them, the most bytes first. Nil
    /// unless `Configuration.debugging` is set.
    ///
    /// Includes leases that were passed unmanaged, detached buffers, and leases of a closed pool. Any thread, at any
    /// time. Cost: a walk over all buffers that the pool ever had, under a lock that gets and returns wait for.
    public func outstandingLeases() -> [OutstandingLeases]? { core.ledger?.outstandingLeases() }
}

extension LeaseLedger {
    /// Writes to standard error what is out when the pool closes; nothing when all is back.
    func reportAtClose() {
        let groups = outstandingLeases()
        guard !groups.isEmpty else { return }
        let (count, byteCount) = groups.reduce((0, 0)) { ($0.0 + $1.count, $0.1 + $1.byteCount) }
        let lines = groups.map { "  \($0)\n" }.joined()
        StandardError.write(
            """
            ZeroPool: a debugging pool was closed with \(count) \(count == 1 ? "lease" : "leases") out, \(byteCount) bytes:
            \(lines)
            """)
    }
}

/// Bytes that a debugging pool fills memory with, so that a mistake shows.
enum Poison: UInt8 {
    /// A fresh lease: what reads like this was never written.
    case fresh = 0xcd
    /// Returned memory: a pointer into it outlived the lease, or it is written to although nobody has it.
    case returned = 0xdb

    func fill(_ memory: UnsafeMutableRawBufferPointer) {
        guard let start = memory.baseAddress else { return }
        unsafe _ = memset(start, Int32(rawValue), memory.count)
    }

    /// The offset of the first byte that is not as `fill` left it.
    func firstChange(in memory: UnsafeMutableRawBufferPointer) -> Int? {
        guard let start = memory.baseAddress else { return nil }
        // One comparison of the memory with itself, a byte on: as fast as the C library.
        if unsafe memory[0] == rawValue, unsafe memcmp(start, start + 1, memory.count - 1) == 0 { return nil }
        return unsafe memory.firstIndex { $0 != rawValue }
    }
}

/// Where a debugging pool reports. The library is silent otherwise.
enum StandardError {
    /// Writes all of `text`, as far as somebody takes it.
    static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            guard let start = bytes.baseAddress else { return }
            var done = 0
            while done < bytes.count {
                #if canImport(Musl)
                    let count = unsafe Musl.write(STDERR_FILENO, start + done, bytes.count - done)
                #else
                    let count = unsafe Glibc.write(STDERR_FILENO, start + done, bytes.count - done)
                #endif
                guard count > 0 else { return }
                done += count
            }
        }
    }
}
