import Glibc

/// How many files this process may have open.
enum OpenFileLimit {
    /// Makes room for this many sockets beside what a process has open anyway.
    static func makeRoom(forSockets count: Int) throws(OpenFileLimitError) {
        let needed = rlim_t(count + 64)
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        guard limit.rlim_cur < needed else { return }
        let allowed = limit.rlim_max
        limit.rlim_cur = needed
        limit.rlim_max = max(allowed, needed)
        // Raising the hard limit succeeds for a privileged process only.
        guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw OpenFileLimitError(socketCount: count, allowedCount: Int(clamping: allowed))
        }
    }
}

/// More connections than this process may open.
struct OpenFileLimitError: Error, CustomStringConvertible {
    let socketCount: Int
    let allowedCount: Int

    var description: String {
        "\(socketCount) connections need more open files than the \(allowedCount) allowed; raise the limit: "
            + "ulimit -n \(socketCount + 64)"
    }
}
