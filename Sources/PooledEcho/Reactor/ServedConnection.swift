/// One connection's state, without any I/O: events go in, and `nextAction` says what is to be done.
///
/// What holds for every service: a failed connection ends its operations, drops its queue, and is closed: by a reset where
/// bytes are owed, since an end of stream would hide that they are lost. It is closed only when no operation is under way:
/// terminate, join, close.
protocol ServedConnection {
    /// What only this service does.
    associatedtype OwnAction
    associatedtype Limits: ConnectionLimits

    var reception: Reception { get set }
    var transmission: Transmission { get set }
    var isFailed: Bool { get }
    /// Whether it failed by a limit of ours.
    var isCut: Bool { get }
    var isClosed: Bool { get }
    /// Whether it would receive, but that it is too far ahead.
    var isPaused: Bool { get }
    /// Whether a multishot receive would bring more than is good.
    var isLagging: Bool { get }

    /// A connection that begins at once, or that is held until it is identified.
    init(isHeld: Bool)
    mutating func receiveEnded(isEndOfStream: Bool, isFailure: Bool, isStarved: Bool)
    mutating func sendFailed()
    /// The server stops: finish what was begun.
    mutating func drain()
    /// A limit is passed. - Returns: false when the connection ends already.
    mutating func cut() -> Bool
    /// What is to be done now, one thing at a time until nil; it counts as begun.
    mutating func nextAction(_ limits: Limits) -> ConnectionAction<OwnAction>?
}

/// How far a connection may get ahead.
protocol ConnectionLimits: Sendable {
    /// The same where buffers are scarce.
    var scarce: Self { get }
}

extension ServedConnection {
    var receive: Reception.State { reception.state }
    /// Whether its peer is to read before more can happen.
    var isDebtor: Bool { !isFailed && !isClosed && (transmission.isSending || transmission.unreleasedCount > 0) }

    /// What ends receiving, unless that is under way or done.
    mutating func endReceiving() -> ConnectionAction<OwnAction>? {
        switch reception.end() {
        case .cancel: .cancelReceive
        case .stopWaiting: .stopWaiting
        case nil: nil
        }
    }
}
