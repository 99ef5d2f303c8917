import NIOCore
import NIOPosix

/// Echo with a task per connection, as SwiftNIO's documentation shows it.
enum AsyncEcho {
    /// Serves from now on, in a task of its own.
    static func listen(_ bootstrap: ServerBootstrap, port: Int) async throws -> SocketAddress {
        let server = try await bootstrap.bind(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                    wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
            }
        }
        let address = server.channel.localAddress!
        Task { try await serve(server) }
        return address
    }

    private static func serve(_ server: NIOAsyncChannel<NIOAsyncChannel<ByteBuffer, ByteBuffer>, Never>) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            try await server.executeThenClose { connections in
                for try await connection in connections {
                    group.addTask {
                        // A peer that is gone ends its connection alone.
                        try? await connection.executeThenClose { inbound, outbound in
                            for try await buffer in inbound { try await outbound.write(buffer) }
                        }
                    }
                }
            }
        }
    }
}
