extension BufferPool.Statistics: Codable {
    /// What is encoded. The sums are there for who reads the JSON without this library.
    private enum CodingKeys: String, CodingKey {
        case gets, returns, evictionCount, cacheRefillCount, cacheSpillCount
        case outCount, outByteCount, cachedCount, cachedByteCount, idleCount, idleByteCount
        case transientCount, transientByteCount, mappedByteCount, pinning, highWater, classes
    }

    /// Encodes every figure, the sums over the classes included.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(gets, forKey: .gets)
        try container.encode(returns, forKey: .returns)
        try container.encode(evictionCount, forKey: .evictionCount)
        try container.encode(cacheRefillCount, forKey: .cacheRefillCount)
        try container.encode(cacheSpillCount, forKey: .cacheSpillCount)
        try container.encode(outCount, forKey: .outCount)
        try container.encode(outByteCount, forKey: .outByteCount)
        try container.encode(cachedCount, forKey: .cachedCount)
        try container.encode(cachedByteCount, forKey: .cachedByteCount)
        try container.encode(idleCount, forKey: .idleCount)
        try container.encode(idleByteCount, forKey: .idleByteCount)
        try container.encode(transientCount, forKey: .transientCount)
        try container.encode(transientByteCount, forKey: .transientByteCount)
        try container.encode(mappedByteCount, forKey: .mappedByteCount)
        try container.encode(pinning, forKey: .pinning)
        try container.encode(highWater, forKey: .highWater)
        try container.encode(classes, forKey: .classes)
    }

    /// Decodes what `encode(to:)` encoded; of the sums it takes none.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        mappedByteCount = try container.decode(Int.self, forKey: .mappedByteCount)
        pinning = try container.decode(Pinning.self, forKey: .pinning)
        highWater = try container.decode(HighWaterMarks.self, forKey: .highWater)
        classes = try container.decode([BufferPool.ClassStatistics].self, forKey: .classes)
    }
}
