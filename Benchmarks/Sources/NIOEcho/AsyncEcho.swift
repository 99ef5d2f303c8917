import NIOCore
import NIOPosix

/// The same server in SwiftNIO's async style: a task per connection, on Swift's shared threads, over `NIOAsyncChannel`.
enum AsyncEcho {
    private typealias Client = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Serves until the process ends; tells `address` where.
    static func serve(on group: MultiThreadedEventLoopGroup, port: Int, address: EventLoopPromise<SocketAddress>) {
        Task {
            do {
                let listener = try await ServerBootstrap.echo(on: group).bind(host: "127.0.0.1", port: port) {
                    channel in
                    channel.eventLoop.makeCompletedFuture {
                        try Client(
                            wrappingChannelSynchronously: channel,
                            configuration: .init(isOutboundHalfClosureEnabled: true))
                    }
                }
                address.succeed(listener.channel.localAddress!)
                try await listener.executeThenClose { clients in
                    try await withThrowingDiscardingTaskGroup { group in
                        for try await client in clients { group.addTask { await echo(client) } }
                    }
                }
            } catch {
                address.fail(error)
            }
        }
    }

    private static func echo(_ client: Client) async {
        // A client that goes away ends its own task and nothing else.
        try? await client.executeThenClose { inbound, outbound in
            for try await bytes in inbound { try await outbound.write(bytes) }
        }
    }
}
