import Glibc
import ZeroPool

/// How many reactors and connections the limit on descriptors allows.
enum DescriptorBudget {
    struct Plan: Equatable {
        var reactorCount: Int
        var connectionCount: Int
        /// Slots of each ring's file table.
        var fileSlotCount: Int
        /// Files that may stay open while nobody asks for them, of the process.
        var openFileCount = 0
    }

    private static let maximumReactorCount = 128
    /// Of a reactor: its ring, its listener, both ends of its stop signal, and one for a moment (to ask for an address, or
    /// to take buffers back).
    private static let descriptorCountPerReactor = 5
    /// The standard streams, and some more.
    private static let processDescriptorCount = 16

    /// Raises the soft limit to the hard one where that is needed, and plans with what is then allowed.
    ///
    /// - Parameters:
    ///   - reactorCount: nil for one a processor, and fewer where descriptors are short.
    ///   - openFileCount: files that are to stay open; where there are any, each connection may have one more.
    /// Throws when as many reactors as asked for can't be.
    static func plan(
        maxConnectionCount: Int, reactorCount: Int?, openFileCount: Int = 0
    ) throws(ServerError) -> Plan {
        if let reactorCount, !(1...maximumReactorCount).contains(reactorCount) {
            throw .configuration("--reactors is 1 to \(maximumReactorCount), not \(reactorCount)")
        }
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let fileCount = openFileCount > 0 ? openFileCount + maxConnectionCount : 0
        let wanted = rlim_t(
            max(
                maxConnectionCount + spareSlotCount(of: .max),
                descriptorCount(reactorCount ?? maximumReactorCount) + fileCount))
        if limit.rlim_cur < wanted, limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = min(limit.rlim_max, wanted)
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        var plan = try plan(
            maxConnectionCount: maxConnectionCount, reactorCount: reactorCount,
            processorCount: ProcessBudget.processorCount, descriptorLimit: Int(clamping: limit.rlim_cur))
        // Most are for files that somebody asks for.
        plan.openFileCount = min(openFileCount, Int(clamping: limit.rlim_cur) / 4)
        return plan
    }

    /// The same for a limit that is known.
    ///
    /// Connections are direct descriptors, which take no descriptors of the process; but the kernel caps their table, a
    /// ring's, by the same limit.
    static func plan(
        maxConnectionCount: Int, reactorCount: Int?, processorCount: Int, descriptorLimit: Int
    ) throws(ServerError) -> Plan {
        let possible = (descriptorLimit - processDescriptorCount) / descriptorCountPerReactor
        let reactorCount = reactorCount ?? max(1, min(maximumReactorCount, processorCount, possible))
        guard reactorCount <= possible else {
            throw .configuration(
                "--reactors \(reactorCount) needs \(descriptorCount(reactorCount)) descriptors, and the limit is "
                    + "\(descriptorLimit); raise it with ulimit -n, or lower --reactors")
        }
        let slotCount = min(maxConnectionCount + spareSlotCount(of: .max), descriptorLimit)
        let connectionCount = min(maxConnectionCount, slotCount - spareSlotCount(of: slotCount))
        return Plan(reactorCount: reactorCount, connectionCount: connectionCount, fileSlotCount: slotCount)
    }

    private static func descriptorCount(_ reactorCount: Int) -> Int {
        processDescriptorCount + reactorCount * descriptorCountPerReactor
    }

    /// Connections past the limit are accepted into these slots, and refused at once: a full table would leave them hanging.
    private static func spareSlotCount(of slotCount: Int) -> Int { min(32, max(1, slotCount / 8)) }
}
