import Glibc

/// How many connections the limit on descriptors allows.
enum DescriptorBudget {
    struct Plan {
        var connectionCount: Int
        /// Slots of each ring's file table.
        var fileSlotCount: Int
    }

    /// Connections past the limit are accepted into these slots, and refused at once: a full table would leave them
    /// hanging.
    private static let spareSlotCount = 32

    /// Raises the soft limit to the hard one where that is needed, and plans with what is then allowed.
    ///
    /// Connections are direct descriptors, which take no descriptors of the process; but the kernel caps their table, a
    /// ring's, by the same limit.
    static func plan(maxConnectionCount: Int, reactorCount: Int) -> Plan {
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let wanted = maxConnectionCount + spareSlotCount
        if limit.rlim_cur < rlim_t(wanted), limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = min(limit.rlim_max, rlim_t(wanted))
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        let slotCount = min(wanted, Int(clamping: limit.rlim_cur))
        let spare = min(spareSlotCount, slotCount / 2)
        return Plan(connectionCount: min(maxConnectionCount, slotCount - spare), fileSlotCount: slotCount)
    }
}
