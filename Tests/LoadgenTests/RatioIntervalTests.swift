import Testing

@testable import loadgen

@Suite("What is called a difference")
struct RatioIntervalTests {
    private func rounds(_ values: [Double]) -> [Int: Double] {
        Dictionary(uniqueKeysWithValues: values.enumerated().map { ($0 + 1, $1) })
    }

    @Test("The ratio is that of the medians, and the interval has it within")
    func ratio() throws {
        let interval = try #require(
            RatioInterval(of: rounds([20, 30, 22, 21, 19]), to: rounds([10, 10, 11, 9, 10])))
        #expect(interval.ratio == 2.1)
        #expect(interval.low <= interval.ratio && interval.ratio <= interval.high)
        #expect(interval.low >= 19.0 / 11 && interval.high <= 30.0 / 9, "no draw lies beyond the values")
    }

    @Test("Values without a spread have an interval without one")
    func exact() {
        let interval = RatioInterval(of: rounds([6, 6, 6, 6, 6]), to: rounds([3, 3, 3, 3, 3]))
        #expect(interval?.low == 2 && interval?.high == 2 && interval?.coversOne == false)
    }

    @Test("The same values always give the same interval, and another seed nearly so")
    func seeded() throws {
        let (above, below) = (rounds([5, 7, 6, 8, 5, 9, 6]), rounds([4, 6, 7, 5, 6, 4, 5]))
        let first = try #require(RatioInterval(of: above, to: below))
        #expect(RatioInterval(of: above, to: below) == first)
        let other = try #require(RatioInterval(of: above, to: below, seed: 3))
        #expect(abs(other.low - first.low) < 0.2 && abs(other.high - first.high) < 0.2)
    }

    @Test("Of 400 pairs of equal distributions about one in twenty is called a difference")
    func coverage() {
        var generator = SplitMix64(seed: 11)
        func sample() -> [Int: Double] {
            rounds(
                (0..<15).map { _ in (0..<6).reduce(20) { sum, _ in sum + Double.random(in: 0...1, using: &generator) } }
            )
        }
        let wrongCount = (0..<400).count { _ in
            // Ten from an end bound the interval, which is as near as 400 pairs can tell.
            RatioInterval(of: sample(), to: sample(), drawCount: 400)?.coversOne == false
        }
        #expect((4...40).contains(wrongCount), "\(wrongCount) of 400")
    }

    @Test("Rounds that only one side has don't count, and without a common one there is no ratio")
    func commonRounds() {
        #expect(RatioInterval(of: [1: 4, 2: 100], to: [1: 2])?.ratio == 2)
        #expect(RatioInterval(of: [1: 4], to: [2: 2]) == nil)
        #expect(RatioInterval(of: [1: 4], to: [1: 0]) == nil)
    }

    @Test("What slows a round down as a whole makes no difference and hides none")
    func slowRounds() throws {
        let slowness = [1.0, 3, 1, 5, 2, 1, 4]
        let interval = try #require(
            RatioInterval(of: rounds(slowness.map { $0 * 12 }), to: rounds(slowness.map { $0 * 10 })))
        #expect(abs(interval.low - 1.2) < 1e-9 && abs(interval.high - 1.2) < 1e-9)
    }

    private func workload(_ costs: [Contender: [Double]]) -> Workload {
        Workload(
            title: "w", name: "w", kind: .hotFile, quantity: .nanoseconds, pool: .registered,
            costs: costs.mapValues(rounds))
    }

    @Test("A summary has malloc as it comes, and the best of the others by its median")
    func rows() {
        let rows = workload([
            .malloc: [30, 31, 32, 30, 31], .mallocTuned: [12, 9, 13, 12, 12], .mimalloc: [10, 11, 10, 10, 30],
            .pooled: [1, 1, 1, 1, 1], .registered: [10, 10, 11, 10, 10],
        ]).rows
        #expect(rows.map(\.other) == [.malloc, .mimalloc])
        #expect(rows.map(\.isBestOther) == [false, true])
        #expect(rows.map(\.verdict) == [.ahead, .noDifference])
        #expect(rows[0].ratio?.ratio == 3.1)
    }

    @Test("Where the pool costs more it is behind; of four rounds nothing is said")
    func verdicts() {
        #expect(workload([.malloc: [5, 5, 5, 5, 5], .registered: [6, 7, 6, 6, 6]]).rows.map(\.verdict) == [.behind])
        #expect(workload([.malloc: [9, 9, 9, 9], .registered: [1, 1, 1, 1]]).rows.map(\.verdict) == [.undecided])
        #expect(workload([.malloc: [9, 9, 9, 9, 9]]).rows.isEmpty)
    }

    @Test(
        "Costs have three digits and a unit that suits",
        arguments: [
            (Quantity.nanoseconds, 1.137, "1.14 ns"), (.nanoseconds, 67_041, "67.0 µs"),
            (.nanoseconds, 999.7, "1.00 µs"),
            (.nanoseconds, 1_204_000_000_000, "1,204 s"), (.bytes, 134_217_728, "128 MiB"), (.bytes, 0, "0.00 B"),
        ])
    func quantities(quantity: Quantity, value: Double, text: String) {
        #expect(quantity.text(value) == text)
    }
}
