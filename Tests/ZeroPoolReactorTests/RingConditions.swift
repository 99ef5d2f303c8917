import Glibc
import Testing
import ZeroPool
import ZeroPoolURing

/// What tests with a real ring need of the machine; without it, they are shown as skipped.
extension Trait where Self == ConditionTrait {
    /// This machine lets us make a ring.
    static var ring: Self { .enabled(if: canMakeRing, "this machine does not let us make an io_uring") }

    /// Memory can be registered without regard to what other tests have registered.
    static var registration: Self { .enabled(if: mayLockMemory, "the limit on locked memory is too low") }
}

/// Only a kernel that forbids or lacks io_uring makes tests skip: a ring that fails otherwise is a failure of ours.
private let canMakeRing: Bool = {
    do throws(RingError) {
        _ = try Ring()
        return true
    } catch {
        return error.errno != EPERM && error.errno != ENOSYS
    }
}()

private let mayLockMemory: Bool = {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit)
    return geteuid() == 0 || limit.rlim_cur > 1 << 30
}()
