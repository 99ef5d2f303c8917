package import ZeroPool
package import ZeroPoolReactor

/// What a server did, measured while it did it. Its JSON is flat: the reactors' names stand beside those here.
package struct ServerStatistics: Sendable, Codable {
    package var buffers = BufferMode.registered
    package var reactors = 0
    /// What the reactors did, in sum.
    package var reactor = ReactorStatistics()
    /// What the pool says of itself at the end of service, by size class and in sum.
    package var pool = BufferPool.Statistics()
    /// What a file server did beside.
    package var files: FileStatistics?

    package init() {}

    private enum CodingKeys: String, CodingKey {
        case buffers
        case reactors
        case pool
        case files
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        buffers = try container.decode(BufferMode.self, forKey: .buffers)
        reactors = try container.decode(Int.self, forKey: .reactors)
        pool = try container.decode(BufferPool.Statistics.self, forKey: .pool)
        files = try container.decodeIfPresent(FileStatistics.self, forKey: .files)
        reactor = try ReactorStatistics(from: decoder)
    }

    package func encode(to encoder: any Encoder) throws {
        try reactor.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(buffers, forKey: .buffers)
        try container.encode(reactors, forKey: .reactors)
        try container.encode(pool, forKey: .pool)
        try container.encodeIfPresent(files, forKey: .files)
    }
}
