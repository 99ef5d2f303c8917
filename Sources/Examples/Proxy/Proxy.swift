import ZeroPool
import ZeroPoolReactor

/// A TCP proxy: `proxy-example PORT TARGET-HOST TARGET-PORT`.
@main
struct Proxy {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard arguments.count == 3, let port = arguments.first.flatMap({ UInt16($0) }),
            let targetPort = arguments.last.flatMap({ UInt16($0) })
        else { fatalError("usage: proxy-example PORT TARGET-HOST TARGET-PORT") }
        let target = try SocketAddress(resolving: arguments.dropFirst().first!, port: targetPort)

        let reactors = try ReactorGroup(pool: BufferPool())
        let listener = try reactors.listen(at: SocketAddress(resolving: "127.0.0.1", port: port))
        print("listening on \(listener.address)")
        try await reactors.serve(listener) { client in
            let reactor = client.reactor
            try await reactor.withConnection(to: target, deadline: reactor.deadline(after: .seconds(5))) { server in
                // Both run on the reactor's thread. When one throws, the other is cancelled.
                try await withThrowingTaskGroup { group in
                    group.addTask { try await forward(from: client, to: server) }
                    group.addTask { try await forward(from: server, to: client) }
                    for try await _ in group {}
                }
            }
        }
    }

    /// Sends on what comes, and then the end of the stream.
    nonisolated(nonsending) static func forward(from source: Connection, to destination: Connection) async throws {
        while let buffer = try await source.receive() { try await destination.send(buffer) }
        try await destination.halfClose()
    }
}
