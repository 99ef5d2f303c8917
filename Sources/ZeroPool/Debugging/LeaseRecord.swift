/// What a debugging pool knows of one buffer: its latest lease, and that lease's end.
struct LeaseRecord: Sendable {
    /// Something that a thread did; events are numbered in the order in which the pool saw them.
    struct Event: Sendable {
        let number: Int
        /// In order of the threads' first use of any pool, from 1.
        let thread: Int

        var description: String { "as event \(number), by thread \(thread)" }
    }

    let site: LeaseSite
    let byteCount: Int
    let taken: Event
    /// nil while it is out.
    var returned: (event: Event, stack: CallStack)?
    /// Whether the memory is as the return left it, so that a change is somebody's mistake.
    var isPoisoned = false

    var description: String {
        let lease = "\(byteCount) bytes taken at \(site.description) (\(taken.description))"
        guard let returned else { return lease }
        return "\(lease), returned \(returned.event.description)"
    }
}
