import ZeroPool

/// What a server does with its connections: the part of a reactor that is its protocol's.
///
/// A reactor has one, calls it on its own thread, and hands itself over each time, so that the two need no reference to each
/// other. What every connection needs, from accepting to the last byte sent, is the reactor's.
protocol Service: AnyObject {
    associatedtype Ring: ReactorRing
    associatedtype Connection: ServedConnection

    /// Bytes came in. The connection is advanced afterwards.
    func received(_ lease: consuming PooledBuffer, on number: ConnectionNumber, of reactor: Reactor<Self>)
    /// Does what only this service does.
    func perform(_ action: Connection.OwnAction, for number: ConnectionNumber, of reactor: Reactor<Self>)
}
