import Synchronization
import ZeroPool
import ZeroPoolReactor

/// A chat server by lines: `chat-example [PORT]`. Each line goes to everybody else.
@main
struct Chat {
    static func main() async throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { UInt16($0) } ?? 7777
        let reactors = try ReactorGroup(pool: BufferPool())
        let room = Room()
        let listener = try reactors.listen(at: SocketAddress(resolving: "127.0.0.1", port: port))
        print("listening on \(listener.address)")
        try await reactors.serve(listener) { connection in
            let member = Member(connection)
            room.enter(member)
            defer { room.leave(member) }
            var lines = LineReader()
            while let line = try await lines.next(from: connection) { room.say(line, from: member) }
        }
    }
}

/// Who is here. Members are served by several reactors, so that any thread may come in.
final class Room: Sendable {
    private let members = Mutex<[ObjectIdentifier: Member]>([:])

    func enter(_ member: Member) { members.withLock { $0[ObjectIdentifier(member)] = member } }

    func leave(_ member: Member) { members.withLock { $0[ObjectIdentifier(member)] = nil } }

    func say(_ line: [UInt8], from speaker: Member) {
        for member in members.withLock({ Array($0.values) }) where member !== speaker { member.deliver(line) }
    }
}

/// One who is here.
final class Member: Sendable {
    /// Lines that wait for one who does not read; more are dropped.
    private static let maxPendingCount = 64

    private let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    /// Sends a line, on the connection's own reactor. Any thread.
    func deliver(_ line: [UInt8]) {
        connection.reactor.post { [connection] reactor in
            guard connection.canSend, connection.pendingBufferCount < Self.maxPendingCount,
                var buffer = reactor.tryBuffer(byteCount: line.count)
            else { return }
            buffer.append { output in for byte in line { output.append(byte) } }
            connection.enqueue(buffer)
        }
    }
}

/// The lines of a connection, each with its end.
struct LineReader {
    private static let maxByteCount = 4096
    private var pending: [UInt8] = []

    /// Nil at the end of the stream; then what has no end of line is dropped.
    nonisolated(nonsending) mutating func next(from connection: Connection) async throws -> [UInt8]? {
        while true {
            if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                defer { pending.removeSubrange(...end) }
                return Array(pending[...end])
            }
            guard pending.count < Self.maxByteCount else { throw LineTooLong() }
            guard let buffer = try await connection.receive() else { return nil }
            pending += Array(copying: buffer)
        }
    }
}

struct LineTooLong: Error {}
