import FoundationEssentials
import Testing

@testable import ZeroPool

@Suite("Statistics as text")
struct StatisticsTextTests {
    private var example: BufferPool.Statistics {
        var page = BufferPool.ClassStatistics(bufferByteCount: 4096)
        page.gets.cache = 1_234_567
        page.gets.shard = 2_000
        page.gets.fresh = 30
        page.returns.cache = 1_236_590
        page.returns.foreign = 3
        page.outCount = 4
        page.cachedCount = 2
        page.idleCount = 16
        page.evictionCount = 5
        var large = BufferPool.ClassStatistics(bufferByteCount: 1 << 20)
        large.gets.fresh = 2
        large.gets.refused = 1
        large.returns.home = 1
        large.returns.detached = 1
        var above = BufferPool.ClassStatistics(bufferByteCount: nil)
        above.gets.transient = 1
        above.outCount = 1
        above.transientCount = 1
        above.transientByteCount = 3 << 30
        var statistics = BufferPool.Statistics()
        statistics.classes = [page, large, above]
        statistics.mappedByteCount = 3 << 30 + 2 << 20
        statistics.highWater.mappedByteCount = 3 << 30 + 6 << 20
        statistics.pinning.wantedByteCount = statistics.mappedByteCount
        statistics.pinning.pinnedByteCount = 2 << 20
        statistics.pinning.limitByteCount = 8 << 20
        return statistics
    }

    @Test("it prints as a line and a table")
    func description() {
        #expect(
            example.description == """
                1,236,600 gets (99.8 % cache, 0.1 % shard, 0.0 % fresh, 0.0 % transient), 1 refused; 3 GiB out, 8 KiB cached, \
                64 KiB idle; 3 GiB mapped (at most 3 GiB), 2 MiB of that pinned (limit 8 MiB)
                class  out  cached  idle  gets: cache  shard  fresh  transient  refused  returns: cache  home  foreign  \
                transient  detached  evicted
                4 KiB    4       2    16    1,234,567  2,000     30          0        0       1,236,590     0        3  \
                        0         0        5
                1 MiB    0       0     0            0      0      2          0        1               0     1        0  \
                        0         1        0
                above    1       0     0            0      0      0          1        0               0     0        0  \
                        0         0        0
                  all    5       2    16    1,234,567  2,000     32          1        1       1,236,590     1        3  \
                        0         1        5
                """)
    }

    @Test("an unused pool prints one line")
    func unused() {
        let expected = "0 gets, 0 refused; 0 B out, 0 B cached, 0 B idle; 0 B mapped (at most 0 B)"
        #expect("\(BufferPool.Statistics())" == expected)
    }

    @Test(
        "bytes are in the largest unit that leaves one or more, cut after one decimal",
        arguments: [
            (0, "0 B"), (1023, "1,023 B"), (1024, "1 KiB"), (65536, "64 KiB"), (2_621_440, "2.5 MiB"),
            (1 << 20 - 1, "1,023.9 KiB"), (3 << 30, "3 GiB"), (5000 << 40, "5,000 TiB"), (.max, "8,388,607.9 TiB"),
            (-65536, "-64 KiB"),
        ])
    func bytes(byteCount: Int, text: String) { #expect(TextTable.bytes(byteCount) == text) }

    @Test("they survive JSON, where the sums stand beside the classes")
    func json() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let data = try encoder.encode(example)
        #expect(try JSONDecoder().decode(BufferPool.Statistics.self, from: data) == example)
        struct Reader: Decodable {
            struct Gets: Decodable { let cache, shard, fresh, transient, refused: Int }
            struct Returns: Decodable { let cache, home, foreign, transient, detached: Int }
            struct Marks: Decodable { let mappedByteCount, idleByteCount, awayByteCount: Int }
            struct Pinning: Decodable {
                let wantedByteCount, pinnedByteCount: Int
                let limitByteCount: Int?
            }
            struct Line: Decodable {
                let bufferByteCount: Int?
                let gets: Gets
                let returns: Returns
                let evictionCount, cacheRefillCount, cacheSpillCount, outCount, cachedCount, idleCount: Int
                let transientCount, transientByteCount, maxIdleCount, maxAwayCount: Int
            }
            let gets: Gets
            let returns: Returns
            let evictionCount, cacheRefillCount, cacheSpillCount, outCount, outByteCount, cachedCount,
                cachedByteCount: Int
            let idleCount, idleByteCount, transientCount, transientByteCount, mappedByteCount: Int
            let pinning: Pinning
            let highWater: Marks
            let classes: [Line]
        }
        let reader = try JSONDecoder().decode(Reader.self, from: data)
        #expect(reader.gets.cache == 1_234_567 && reader.gets.transient == 1)
        #expect(reader.outByteCount == 3 << 30 + 4 * 4096)
        #expect(reader.idleByteCount == 65536)
        #expect(reader.pinning.limitByteCount == 8 << 20)
        #expect(reader.classes.map(\.bufferByteCount) == [4096, 1 << 20, nil])
        #expect(reader.classes.map(\.evictionCount) == [5, 0, 0])
    }
}
