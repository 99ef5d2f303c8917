/// What a server is asked to be.
package struct ServerConfiguration: Sendable {
    /// A name or an address to listen on.
    package var host = "127.0.0.1"
    /// The port to listen on; 0 lets the system pick one.
    package var port: UInt16 = 7777
    /// Threads with a ring each; nil for one a processor.
    package var reactorCount: Int?
    /// Where buffers come from.
    package var buffers = BufferMode.registered
    /// As many bytes as one receive takes at most; rounded up to a power of two.
    package var bufferByteCount = 64 * 1024
    /// As many connections as the process serves at once.
    package var maxConnectionCount = 16_384
    /// As long as a stopping server waits for its peers.
    package var drainSeconds = 5.0

    package init() {}
}
