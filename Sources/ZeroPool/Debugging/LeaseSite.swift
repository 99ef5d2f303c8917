/// A line of source that asked for a lease.
struct LeaseSite: Sendable {
    let file: StaticString
    let line: UInt

    /// As compilers write it, so that editors find it.
    var description: String { "\(file):\(line)" }
}
