internal import CZeroPool

/// A moment after which an await gives up, in ticks of its reactor's coarse clock.
///
/// A deadline is good on the reactor that made it (``Reactor/deadline(after:)``), and for any number of awaits. Cost: a few
/// instructions, no system call.
public struct Deadline: Sendable {
    let tick: UInt32
}

/// Which task runs: to tell a handler's own awaits from those of its child tasks, which others may cancel.
@safe
struct TaskIdentity: Equatable {
    private let task: UnsafeMutableRawPointer?

    /// No task that runs.
    static var none: TaskIdentity { unsafe TaskIdentity(task: nil) }

    /// The task that the calling thread runs a part of.
    @inline(__always)
    static var current: TaskIdentity { unsafe TaskIdentity(task: swift_task_getCurrent()) }

    @inline(__always)
    static func == (left: TaskIdentity, right: TaskIdentity) -> Bool { unsafe left.task == right.task }
}

/// One suspended await, and what ends it before its time.
@safe
struct Waiter {
    enum Outcome: UInt8 {
        case ready
        case expired
        case cancelled
        /// The reactor stops.
        case cut

        /// Why it ended before its time.
        var reason: IOError.Reason? {
            switch self {
            case .ready: nil
            case .expired: .deadline
            case .cancelled: .cancelled
            case .cut: .cut
            }
        }
    }

    private var continuation: UnsafeContinuation<Void, Never>?
    /// The tick of its deadline; 0 for none.
    private(set) var deadlineTick: UInt32 = 0
    /// Tells a late cancellation from one that is meant for this wait.
    private(set) var ticket: UInt16 = 0
    private(set) var outcome = Outcome.ready

    var isWaiting: Bool { unsafe continuation != nil }

    /// The ticket that the next wait will have.
    var nextTicket: UInt16 { ticket &+ 1 }

    @inline(__always)
    mutating func begin(_ continuation: UnsafeContinuation<Void, Never>, _ deadline: Deadline?) {
        precondition(unsafe self.continuation == nil, "one task at a time may wait for this")
        unsafe self.continuation = continuation
        deadlineTick = deadline?.tick ?? 0
        ticket &+= 1
        outcome = .ready
    }

    /// A wait is over before it begins: its task is cancelled, or its deadline has passed. It uses up its ticket.
    mutating func refuse(_ outcome: Outcome) {
        precondition(!isWaiting, "one task at a time may wait for this")
        ticket &+= 1
        self.outcome = outcome
    }

    /// Ends the wait; the caller resumes what waited. (Not here: a call within a change of a class's property is checked for
    /// exclusivity.) Nil when nothing is suspended.
    @inline(__always)
    mutating func take(_ outcome: Outcome) -> UnsafeContinuation<Void, Never>? {
        guard let continuation = unsafe continuation else { return nil }
        unsafe self.continuation = nil
        self.outcome = outcome
        return unsafe continuation
    }

    /// Nobody waits any more; only a moment is kept.
    mutating func setLinger(_ deadline: Deadline?) { deadlineTick = deadline?.tick ?? 0 }

    func isLingerOver(at tick: UInt32) -> Bool { !isWaiting && deadlineTick != 0 && deadlineTick <= tick }

    /// Whether a deadline of this wait has passed.
    func isExpired(at tick: UInt32) -> Bool { isWaiting && deadlineTick != 0 && deadlineTick <= tick }
}

/// Which turn of the loop was a while ago. So a connection need only note the turn of its last event, which costs a store,
/// where the time would cost a look at the clock.
///
/// A timer ticks eight times in the while, so what is older is found within an eighth of it.
struct TurnHistory {
    static let tickCount = 8

    /// The turns of the last ticks, the oldest first.
    private var turns: [Int] = []

    /// Seconds from tick to tick.
    static func tickSeconds(of seconds: Double) -> Double { seconds / Double(tickCount) }

    /// The timer has ticked in turn `turn`. Returns the turn of eight ticks ago: what last happened then, or before, is old.
    /// Nil while there were too few ticks.
    mutating func tick(turn: Int) -> Int? {
        turns.append(turn)
        return turns.count > TurnHistory.tickCount ? turns.removeFirst() : nil
    }
}
