import Glibc

/// The number of descriptors that this process may have open (`RLIMIT_NOFILE`).
package enum DescriptorLimit {
    /// Raises the soft limit as far towards `count` as the hard limit allows; it never lowers it.
    ///
    /// - Parameter raisesHardLimit: Raise the hard limit too. It takes privileges; without them, the hard limit counts.
    /// - Returns: the soft limit afterwards.
    package static func raise(to count: Int, raisesHardLimit: Bool = false) -> Int {
        var limit = current
        let wanted = rlim_t(count)
        guard limit.rlim_cur < wanted else { return Int(clamping: limit.rlim_cur) }
        if raisesHardLimit, limit.rlim_max < wanted { set(rlimit(rlim_cur: wanted, rlim_max: wanted)) }
        limit = current
        limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, wanted))
        set(limit)
        return Int(clamping: current.rlim_cur)
    }

    private static var current: rlimit {
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return limit
    }

    private static func set(_ limit: rlimit) {
        var limit = limit
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
