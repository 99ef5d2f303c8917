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
