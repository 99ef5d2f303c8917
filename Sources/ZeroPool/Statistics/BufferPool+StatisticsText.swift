extension BufferPool.Statistics: CustomStringConvertible {
    /// A line that sums up, and a table with a line for each class, for people; programs encode the value.
    public var description: String {
        let gets = gets
        var summary = "\(TextTable.grouped(gets.served)) gets"
        if gets.served > 0 {
            let shares = [
                ("cache", gets.cache), ("shard", gets.shard), ("fresh", gets.fresh), ("transient", gets.transient),
            ]
            .filter { $0.1 > 0 }.map { "\(TextTable.percentage($0.1, of: gets.served)) \($0.0)" }
            summary += " (\(shares.joined(separator: ", ")))"
        }
        summary += """
            , \(TextTable.grouped(gets.refused)) refused; \(TextTable.bytes(outByteCount)) out, \
            \(TextTable.bytes(cachedByteCount)) cached, \(TextTable.bytes(idleByteCount)) idle; \
            \(TextTable.bytes(mappedByteCount)) mapped (at most \(TextTable.bytes(highWater.mappedByteCount)))
            """
        if pinning.wantedByteCount > 0 {
            summary += ", \(TextTable.bytes(pinning.pinnedByteCount)) of that pinned"
            if let limit = pinning.limitByteCount { summary += " (limit \(TextTable.bytes(limit)))" }
        }
        return classes.isEmpty ? summary : summary + "\n" + table.text
    }

    private var table: TextTable {
        var table = TextTable([
            "class", "out", "cached", "idle", "gets: cache", "shard", "fresh", "transient", "refused", "returns: cache",
            "home",
            "foreign", "transient", "detached", "evicted",
        ])
        for line in classes {
            let name = line.bufferByteCount.map(TextTable.bytes) ?? "above"
            table.add(
                name, row(line.outCount, line.cachedCount, line.idleCount, line.gets, line.returns, line.evictionCount))
        }
        if classes.count > 1 { table.add("all", row(outCount, cachedCount, idleCount, gets, returns, evictionCount)) }
        return table
    }

    private func row(_ out: Int, _ cached: Int, _ idle: Int, _ gets: Gets, _ returns: Returns, _ evictions: Int)
        -> [Int]
    {
        [
            out, cached, idle, gets.cache, gets.shard, gets.fresh, gets.transient, gets.refused, returns.cache,
            returns.home,
            returns.foreign, returns.transient, returns.detached, evictions,
        ]
    }
}

/// Columns of figures aligned to the right, in plain text; and figures as people read them. Without Foundation.
struct TextTable {
    private var lines: [[String]]

    init(_ header: [String]) { lines = [header] }

    /// A line: its name, and its figures.
    mutating func add(_ name: String, _ figures: [Int]) { lines.append([name] + figures.map(TextTable.grouped)) }

    /// The lines, each column as wide as its widest entry.
    var text: String {
        let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            zip(line, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    /// Digits in groups of three: 1,234,567.
    static func grouped(_ number: Int) -> String {
        var text = ""
        for (index, digit) in String(number.magnitude).reversed().enumerated() {
            if index > 0, index % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (number < 0 ? "-" : "") + String(text.reversed())
    }

    /// In the largest unit that leaves 1 or more, cut after one decimal: 64 KiB, 2.5 MiB.
    static func bytes(_ byteCount: Int) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var (unit, unitByteCount) = (0, 1)
        while unit < units.count - 1, byteCount.magnitude / UInt(unitByteCount) >= 1024 {
            unit += 1
            unitByteCount *= 1024
        }
        // The decimal of what is left of a unit, which is too small to overflow.
        let tenths = abs(byteCount % unitByteCount) * 10 / unitByteCount
        let whole = grouped(byteCount / unitByteCount)
        return tenths == 0 ? "\(whole) \(units[unit])" : "\(whole).\(tenths) \(units[unit])"
    }

    /// With one decimal, cut and not rounded: 100.0 % is all.
    fileprivate static func percentage(_ part: Int, of whole: Int) -> String {
        let permille = Int(Double(part) / Double(whole) * 1000)
        return "\(permille / 10).\(permille % 10) %"
    }
}

extension BufferPool.Statistics: Codable {
    /// The encoded form. It includes the sums, for programs that read the JSON without this library.
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
