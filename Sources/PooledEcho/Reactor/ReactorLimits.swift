/// What one reactor allows its connections.
struct ReactorLimits<Connection: ConnectionLimits>: Sendable {
    /// How far a connection may get ahead of its peer's reading.
    var connection: Connection
    /// A connection without any event for so long is closed; 0 for never. Found within an eighth more.
    var idleSeconds: Double
    /// While others wait for buffers: a connection whose peer takes no whole buffer for so long is cut. More than 0.
    var stallSeconds: Double
    /// Memory that was not used for so long goes back to the system; 0 for never.
    var trimSeconds: Double
    /// As long as a stopping reactor waits for its peers.
    var drainSeconds: Double
}
