package import ZeroPoolReactor

/// The configuration of a server.
package struct ServerConfiguration: Sendable {
    /// What it does with its connections.
    package enum Service: Sendable {
        /// Sends back the bytes that it receives. Stops reading from a client that has `maxOwedByteCount` unread
        /// bytes; nil for 1 MiB, or four buffers if that is more.
        case echo(maxOwedByteCount: Int?)
        case files(FilesConfiguration)
    }

    package var service: Service
    /// A name or an address to listen on.
    package var host = "127.0.0.1"
    /// The port to listen on; 0 lets the system pick one.
    package var port: UInt16 = 7777
    /// The number of threads, each with a ring; nil for one per processor.
    package var reactorCount: Int?
    /// The source of buffers.
    package var buffers = BufferMode.registered
    /// Maximum bytes per receive; rounded up to a power of two.
    package var bufferByteCount = 64 * 1024
    /// Maximum connections at once in the process.
    package var maxConnectionCount = 16_384
    /// Maximum connections at once from one address (IPv6: one /64 network); nil for no limit.
    package var maxConnectionCountPerAddress: Int?
    /// Close a connection after this many seconds without traffic; 0 for never.
    package var idleSeconds = 600.0
    /// While others wait for buffers, cut a connection whose peer takes no whole buffer for this many seconds.
    package var stallSeconds = 0.5
    /// Give memory back to the system after this many seconds without use; 0 for never.
    package var trimSeconds = 2.0
    /// Seconds that a stopping server waits for its peers.
    package var drainSeconds = 5.0
    /// Maximum bytes that the pool maps, in equal parts per reactor; nil for a quarter of the memory that the process
    /// may use. Without effect on buffers from `malloc`.
    package var poolByteCount: Int?

    package init(_ service: Service) { self.service = service }

    /// Maximum bytes of cached responses: at most a quarter of the pool.
    var keptByteCount: Int {
        guard case .files(let files) = service else { return 0 }
        return min(files.cacheByteCount, (poolByteCount ?? .max) / 4)
    }

    var openFileCount: Int {
        if case .files(let files) = service { files.openFileCount } else { 0 }
    }
}
