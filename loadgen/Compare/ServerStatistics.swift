import FoundationEssentials

/// What a server says about its own work when it ends: the last line of its standard output.
///
/// Further keys are allowed, so that an older loadgen reads a newer server.
struct ServerStatistics: Codable, Equatable, Sendable {
    struct Connections: Codable, Equatable, Sendable {
        var accepted = 0
        var refused = 0
        var cut = 0
    }

    struct Bytes: Codable, Equatable, Sendable {
        var received = 0
        var sent = 0
    }

    struct ZeroCopySends: Codable, Equatable, Sendable {
        var count = 0
        /// Of those, how many the kernel copied after all.
        var copied = 0
    }

    /// Of a file server.
    struct Files: Codable, Equatable, Sendable {
        /// Blocks that were read.
        var reads = 0
        /// Of these, past the page cache.
        var directReads = 0
    }

    var buffers = ""
    var reactors = 0
    var connections = Connections()
    var bytes = Bytes()
    /// Submissions by opcode.
    var operations: [String: Int] = [:]
    var registeredByteCount = 0
    /// Operations that used a registered buffer by its index.
    var fixedBufferOperations = 0
    var zeroCopySends = ZeroCopySends()
    var files: Files?

    /// Reads the last line that is not empty.
    static func read(fromOutput text: String) throws(ServerError) -> ServerStatistics {
        guard let line = text.split(whereSeparator: \.isNewline).last(where: { $0.contains { !$0.isWhitespace } })
        else {
            throw .statistics("it printed nothing")
        }
        do {
            return try JSONDecoder().decode(ServerStatistics.self, from: Data(line.utf8))
        } catch {
            throw .statistics("the last line of its output is '\(line.prefix(200))': \(error)")
        }
    }
}
