import Glibc
import SystemSupport
import ZeroPoolURing

/// What this machine allows tests.
package enum Machine {
    /// Whether a ring can be made. Only a kernel that forbids or lacks io_uring makes tests skip: a ring that fails
    /// otherwise is a failure of ours.
    package static let allowsRings: Bool = {
        do throws(RingError) {
            _ = try Ring()
            return true
        } catch {
            return error.errno != EPERM && error.errno != ENOSYS
        }
    }()

    /// Whether memory can be registered without regard to what other tests have registered.
    package static let allowsLockedMemory: Bool = {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit)
        return geteuid() == 0 || limit.rlim_cur > 1 << 30
    }()

    /// The path of a program of this package: the build puts it beside the test program.
    package static func builtProgram(_ name: String) -> String {
        var path = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = path.withUnsafeMutableBytes { bytes in
            readlink("/proc/self/exe", bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        let own = String(decoding: path.prefix(max(0, count)), as: UTF8.self)
        return own.prefix(through: own.lastIndex(of: "/") ?? own.startIndex) + name
    }
}
