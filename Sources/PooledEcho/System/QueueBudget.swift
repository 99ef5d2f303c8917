import Glibc
import ZeroPoolURing

/// How long a reactor's queues may be where locked memory is short.
///
/// Recent kernels charge a ring's queues to `RLIMIT_MEMLOCK`, as registered memory is, to the user and not to the
/// process. The first reactor would take all that there is, and the last could not start: so each gets its share.
enum QueueBudget {
    /// Below this share queues are shortened: those of full length take a third of it.
    private static let ampleByteCount = 1 << 20

    static func plan(reactorCount: Int) -> Ring.Configuration {
        var limit = rlimit()
        guard !LockedMemoryPrivilege.isHeld,
            unsafe getrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit) == 0
        else {
            return Ring.Configuration()
        }
        return configuration(share: Int(clamping: limit.rlim_cur) / reactorCount)
    }

    /// Half of `share` for the queues (64 bytes a submission, 16 a completion), so that buffers have the rest.
    static func configuration(share: Int) -> Ring.Configuration {
        guard share < ampleByteCount else { return Ring.Configuration() }
        var completionEntries: UInt32 = 64
        while Int(completionEntries) * 2 * 32 <= share / 2 { completionEntries *= 2 }
        return Ring.Configuration(submissionEntries: completionEntries / 4, completionEntries: completionEntries)
    }
}
