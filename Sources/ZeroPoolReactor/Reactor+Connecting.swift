/// Connections that begin here.
extension Reactor {
    /// Connects to `address`, and calls `body` with the connection in the calling task.
    ///
    /// Afterwards the connection ends as a served one does: what was enqueued is sent, the write side is shut down, and it
    /// is closed at the peer's end of stream or after ``ConnectionLimits/lingerSeconds``. That goes on while this call
    /// returns; ``Connection/flush(to:deadline:)`` waits for what was sent. When `body` throws, the connection is closed at
    /// once, by a reset where bytes are lost.
    ///
    /// Throws what `body` throws, and an ``IOError`` when the address refuses (`ECONNREFUSED`), can't be reached, does not
    /// answer until `deadline`, when the task is cancelled, and when no slot of the file table is free (`ENFILE`).
    /// A draining reactor leaves the connection to `body` until it cuts. Its thread only: elsewhere it traps.
    /// Cost: three operations of the ring and a system call for the socket.
    public nonisolated(nonsending) func withConnection<Result>(
        to address: SocketAddress, deadline: Deadline? = nil,
        _ body: nonisolated(nonsending) (Connection) async throws -> Result
    ) async throws -> Result {
        let connection = try await connect(to: address, deadline)
        do {
            let result = try await body(connection)
            connection.handlerEnded(nil)
            return result
        } catch {
            connection.handlerEnded(error)
            throw error
        }
    }

    private nonisolated(nonsending) func connect(
        to address: SocketAddress, _ deadline: Deadline?
    ) async throws(IOError) -> Connection {
        let outcome = try await perform(.connect(address), .connect, deadline: deadline, isLong: true)
        guard outcome.result >= 0 else { throw IOError(.connect, errno: -outcome.result) }
        let connection = Connection(ConnectionNumber(outcome.result), of: self, isAccepted: false)
        connections.insert(connection)
        openCount += 1
        connection.updateReceiving()
        // The cut has passed it by while it was connecting.
        if isCut { connection.cut(.cut) }
        return connection
    }
}
