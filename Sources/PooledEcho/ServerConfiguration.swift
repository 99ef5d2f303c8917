package import ZeroPoolReactor

/// What a server is asked to be.
package struct ServerConfiguration: Sendable {
    /// What it does with its connections.
    package enum Service: Sendable {
        /// Sends back what comes in. `maxOwedByteCount`: stop reading from a client that has this many unread bytes; nil for
        /// 1 MiB, or four buffers where those are larger.
        case echo(maxOwedByteCount: Int?)
        case files(FilesConfiguration)
    }

    package var service: Service
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
    /// As many connections as the process serves of one address (IPv6: of one /64 network); nil for no such limit.
    package var maxConnectionCountPerAddress: Int?
    /// A connection without a byte either way for so long is closed; 0 for never.
    package var idleSeconds = 600.0
    /// While others wait for buffers, a connection whose peer takes no whole buffer for so long is cut.
    package var stallSeconds = 0.5
    /// Memory that was not used for so long goes back to the system; 0 for never.
    package var trimSeconds = 2.0
    /// As long as a stopping server waits for its peers.
    package var drainSeconds = 5.0
    /// As many bytes of buffers as the process maps, of which each reactor has its equal part; nil for a quarter of the
    /// memory that it may use. Without effect on buffers from `malloc`.
    package var poolByteCount: Int?

    package init(_ service: Service) { self.service = service }

    /// What is kept may take a quarter of the pool at most.
    var keptByteCount: Int {
        guard case .files(let files) = service else { return 0 }
        return min(files.cacheByteCount, (poolByteCount ?? .max) / 4)
    }

    var openFileCount: Int {
        if case .files(let files) = service { files.openFileCount } else { 0 }
    }
}
