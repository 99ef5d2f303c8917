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
