import ZeroPool
import ZeroPoolReactor

/// An echo server: `echo-example [PORT]`.
@main
struct Echo {
    static func main() async throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { UInt16($0) } ?? 7777
        let reactors = try ReactorGroup(pool: BufferPool())
        let listener = try reactors.listen(at: SocketAddress(resolving: "127.0.0.1", port: port))
        print("listening on \(listener.address)")
        try await reactors.serve(listener) { connection in
            while let buffer = try await connection.receive() {
                try await connection.send(buffer)
            }
        }
    }
}
