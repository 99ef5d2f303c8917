/// What can happen next in a run. The comment says what is special about it, beside that what the pool promises of it is checked.
enum ModelStep: CaseIterable {
    case get, tryGet, getZeroed
    /// By a `PoolHandle`, which is made if there is none of the size.
    case getByHandle
    /// As many gets of one size, one after the other, and as many returns: what fills magazines and shards.
    case burst
    case giveBack
    case detach
    /// A lease becomes a pointer; whichever step meets it next, on whatever thread, takes it back first.
    case pass
    /// Nobody but its tenant wrote to a lease.
    case verify
    /// A get past 1 GiB, or a refusal: what takes a slow path without taking memory.
    case comeBy
    case bind
    case trim, trimOlder, clear, shrink, preallocate
    /// Time passes: some of what is idle is old then.
    case wait
    /// Time passes, and a thread comes by often enough for all that is too old to go.
    case comeByLater
    case observe, poll, endObserver
    case endThread
    case openPool, close, endHandle
    /// A pool ends but for its leases, all threads let go of it, and another takes its place: and its slot.
    case replacePool

    /// How often it comes in a run, beside the others: gets and returns are most of what happens.
    var usualWeight: Int {
        switch self {
        case .get, .tryGet: 30
        case .getZeroed, .getByHandle, .burst: 8
        case .giveBack: 60
        case .detach, .pass, .verify: 4
        case .comeBy, .bind, .observe: 4
        case .poll: 8
        case .trim, .trimOlder, .clear, .shrink, .preallocate, .wait, .comeByLater: 2
        case .endThread, .replacePool: 2
        case .endObserver, .openPool, .close, .endHandle: 1
        }
    }

    /// What a trace calls it, in a form that a signal handler can print.
    var name: StaticString {
        switch self {
        case .get: "get"
        case .tryGet: "tryGet"
        case .getZeroed: "get zeroed"
        case .getByHandle: "get by handle"
        case .burst: "burst"
        case .giveBack: "give back"
        case .detach: "detach"
        case .pass: "pass"
        case .verify: "verify"
        case .comeBy: "come by"
        case .bind: "bind"
        case .trim: "trim"
        case .trimOlder: "trim by age"
        case .clear: "clear"
        case .shrink: "shrink"
        case .preallocate: "preallocate"
        case .wait: "wait"
        case .comeByLater: "come by later"
        case .observe: "observe"
        case .poll: "poll"
        case .endObserver: "end observer"
        case .endThread: "end thread"
        case .openPool: "open pool"
        case .close: "close"
        case .endHandle: "end owner"
        case .replacePool: "replace pool"
        }
    }
}
