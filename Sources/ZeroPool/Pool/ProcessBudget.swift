import CZeroPool

#if canImport(Musl)
    import Musl
    private let systemRead = unsafe Musl.read
#else
    import Glibc
    private let systemRead = unsafe Glibc.read
#endif

/// The processors and the memory that the process may use: affinity, control groups, machine.
///
/// Files that are missing or unreadable limit nothing. Source: cgroups(7), `Documentation/admin-guide/cgroup-v2.rst` of
/// the Linux kernel.
public enum ProcessBudget {
    /// Processors that the process can keep busy: those it may run on, but at most its quota, rounded up.
    public static let processorCount: Int = {
        max(1, min(allowedProcessors.count, quota ?? .max))
    }()

    /// The numbers of the processors that the calling thread may run on.
    package static var allowedProcessors: [Int] {
        var flags = [UInt8](repeating: 0, count: 8192)
        let count = unsafe zeropool_allowed_processors(&flags, Int32(flags.count))
        guard count > 0 else { return Array(0..<sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
        return flags.indices.filter { flags[$0] == 1 }
    }

    /// Lets the calling thread run on one processor only. - Returns: false when the system refuses.
    package static func pinCurrentThread(toProcessor processor: Int) -> Bool {
        zeropool_pin_thread(Int32(processor)) == 0
    }

    /// Bytes that the process may use: the machine's memory, or its control group's limit if that is less.
    public static let memoryByteCount: Int = {
        let physical = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        let limits = [
            read("/sys/fs/cgroup/memory.max"), read("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        ].compactMap { $0?.first.flatMap { Int($0) } }
        return max(1 << 20, limits.reduce(physical, min))
    }()

    /// Version 2: `cpu.max` says "quota period"; version 1: two files, -1 for no quota.
    private static var quota: Int? {
        let fields =
            read("/sys/fs/cgroup/cpu.max")
            ?? [read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), read("/sys/fs/cgroup/cpu/cpu.cfs_period_us")]
            .compactMap { $0?.first }
        guard fields.count == 2, let quota = Int(fields[0]), let period = Int(fields[1]), quota > 0, period > 0 else {
            return nil
        }
        return (quota + period - 1) / period
    }

    /// The words of a small file, or nil.
    private static func read(_ path: String) -> [Substring]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { _ = close(descriptor) }
        let text = unsafe String(unsafeUninitializedCapacity: 256) { buffer in
            unsafe max(0, systemRead(descriptor, buffer.baseAddress!, buffer.count))
        }
        return text.split { $0.isWhitespace }
    }
}
