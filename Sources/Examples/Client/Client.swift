import ZeroPool
import ZeroPoolReactor

/// Sends blocks to an echo server and checks what comes back: `client-example HOST PORT [BYTES]`.
@main
struct Client {
    static let blockByteCount = 65_536

    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count >= 2, let port = UInt16(arguments[1]) else {
            fatalError("usage: client-example HOST PORT [BYTES]")
        }
        let byteCount = arguments.count > 2 ? Int(arguments[2]) ?? 0 : 1 << 20
        let address = try SocketAddress(resolving: arguments[0], port: port)
        var configuration = ReactorGroup.Configuration()
        configuration.reactorCount = 1
        let reactors = try ReactorGroup(pool: BufferPool(), configuration: configuration)
        let reactor = reactors.reactors[0]
        try await Task(executorPreference: reactor) {
            try await reactor.withConnection(to: address, deadline: reactor.deadline(after: .seconds(5))) {
                connection in
                // Sending and checking go on at once: the server may not read on before it is read from.
                async let sent: Void = send(byteCount, to: connection)
                try await check(byteCount, from: connection)
                try await sent
            }
        }.value
        print("\(byteCount) bytes came back as they were sent")
        reactors.drain()
        try await reactors.waitForEnd()
    }

    /// What is sent at an offset.
    static func byte(at offset: Int) -> UInt8 { UInt8(truncatingIfNeeded: offset &* 31 &+ offset >> 8) }

    nonisolated(nonsending) static func send(_ byteCount: Int, to connection: Connection) async throws {
        for start in stride(from: 0, to: byteCount, by: blockByteCount) {
            var buffer = try await connection.reactor.buffer(byteCount: blockByteCount)
            buffer.append { output in
                for offset in start..<min(start + blockByteCount, byteCount) { output.append(byte(at: offset)) }
            }
            try await connection.send(buffer)
        }
        try await connection.halfClose()
    }

    nonisolated(nonsending) static func check(_ byteCount: Int, from connection: Connection) async throws {
        var offset = 0
        let deadline = connection.reactor.deadline(after: .seconds(30))
        while let buffer = try await connection.receive(deadline: deadline) {
            for received in [UInt8](copying: buffer) {
                guard received == byte(at: offset) else { throw Difference(offset: offset) }
                offset += 1
            }
        }
        guard offset == byteCount else { throw Difference(offset: offset) }
    }
}

struct Difference: Error {
    /// Where it is, or where the answer ended.
    let offset: Int
}
