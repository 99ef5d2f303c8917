import SystemSupport

/// How many files this process may have open.
enum OpenFileLimit {
    /// Makes room for this many sockets beside what a process has open anyway.
    static func makeRoom(forSockets count: Int) throws(OpenFileLimitError) {
        let needed = count + 64
        let allowed = DescriptorLimit.raise(to: needed, raisesHardLimit: true)
        guard allowed >= needed else { throw OpenFileLimitError(socketCount: count, allowedCount: allowed) }
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
