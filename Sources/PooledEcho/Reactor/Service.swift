import ZeroPool

/// What a server does with its connections: the part of a reactor that is its protocol's.
///
/// A reactor has one, calls it on its own thread, and hands itself over each time, so that the two need no reference to each
/// other. What every connection needs, from accepting to the last byte sent, is the reactor's.
protocol Service: AnyObject {
    associatedtype Ring: ReactorRing
    associatedtype Connection: ServedConnection

    /// A connection came in; it may be held still.
    func accepted(_ number: ConnectionNumber, of reactor: Reactor<Self>)
    /// It is known where the connection's peer is, where that is asked for.
    func identified(_ number: ConnectionNumber, _ address: PeerAddress)
    /// Bytes came in. The connection is advanced afterwards.
    func received(_ lease: consuming PooledBuffer, on number: ConnectionNumber, of reactor: Reactor<Self>)
    /// Does what only this service does.
    func perform(_ action: Connection.OwnAction, for number: ConnectionNumber, of reactor: Reactor<Self>)
    /// What came of an operation on a file.
    func handle(_ event: consuming FileEvent, of reactor: Reactor<Self>)
    /// The service's timer has ticked.
    func ticked(_ reactor: Reactor<Self>)
    /// Connections that wait for buffers other than those to receive into.
    var waitingCount: Int { get }
    /// Lets those go on for which there are such buffers.
    func feed(_ reactor: Reactor<Self>)
    /// The connection is closed: what is kept for it goes.
    func closed(_ number: ConnectionNumber, of reactor: Reactor<Self>)
    /// The last connection is closed, and the ring is about to be.
    func end(_ reactor: Reactor<Self>)
}

/// What a service does that keeps nothing but its connections' state.
extension Service {
    func accepted(_ number: ConnectionNumber, of reactor: Reactor<Self>) {}
    func identified(_ number: ConnectionNumber, _ address: PeerAddress) {}
    func handle(_ event: consuming FileEvent, of reactor: Reactor<Self>) {
        preconditionFailure("who asks for no files is told of none")
    }
    func ticked(_ reactor: Reactor<Self>) {}
    var waitingCount: Int { 0 }
    func feed(_ reactor: Reactor<Self>) {}
    func closed(_ number: ConnectionNumber, of reactor: Reactor<Self>) {}
    func end(_ reactor: Reactor<Self>) {}
}
