/// What leaves when a shard holds as many idle buffers of a class, or as many idle bytes, as it may.
public enum EvictionPolicy: Sendable, Hashable {
    /// The newcomer: last in, first out. It costs nothing, and keeps what the shard warmed up to.
    case lifo
}
