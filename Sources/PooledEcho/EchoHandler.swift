import ZeroPoolReactor

/// Sends back the bytes that it receives.
nonisolated(nonsending) func serveEcho(_ connection: Connection) async throws {
    while let buffer = try await connection.receive() {
        try await connection.send(buffer)
    }
}
