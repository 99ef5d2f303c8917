/// The receiving side of a connection's state, the same for every service.
struct Reception {
    enum State: Equatable {
        case idle
        case armed
        /// For one buffer: it ends by itself with the first bytes.
        case armedForOne
        case cancelling
        /// There was no buffer, or others wait for one; the reactor arms it when its turn has come.
        case waiting
        /// Not before it is known who the peer is.
        case held
    }

    /// What ends receiving, where anything is to be ended.
    enum Ending {
        case cancel
        case stopWaiting
    }

    private(set) var state: State

    /// Of a connection that begins at once, or that is held until `identified`.
    init(isHeld: Bool) { state = isHeld ? .held : .idle }

    /// It is known who the peer is, and the connection may begin.
    mutating func identified() {
        if state == .held { state = .idle }
    }

    mutating func arm() {
        assert(state == .idle)
        state = .armed
    }

    /// It is to receive, and others wait to: it joins them.
    mutating func joinWaiting() {
        assert(state == .armed)
        state = .waiting
    }

    /// It is to receive, for one buffer.
    mutating func limitToOne() {
        assert(state == .armed)
        state = .armedForOne
    }

    mutating func ended(isStarved: Bool) { state = isStarved ? .waiting : .idle }

    /// Buffers are back, and it is this connection's turn.
    mutating func fed() {
        assert(state == .waiting)
        state = .idle
    }

    /// What ends it, unless that is under way or done; it counts as begun.
    mutating func end() -> Ending? {
        switch state {
        case .armed, .armedForOne:
            state = .cancelling
            return .cancel
        case .waiting:
            state = .idle
            return .stopWaiting
        case .idle, .cancelling, .held:
            return nil
        }
    }
}
