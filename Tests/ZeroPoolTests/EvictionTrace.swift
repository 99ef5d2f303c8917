import TestSupport
import ZeroPool

/// What a program asks of a pool, one get or return after the other: the same for every policy.
struct EvictionTrace {
    enum Step {
        case get(byteCount: Int)
        /// Of the lease that was taken as the `index`th of all.
        case giveBack(index: Int)
    }

    private(set) var steps: [Step] = []
    private var getCount = 0

    /// Takes `count` buffers; their indices.
    mutating func get(_ byteCount: Int, count: Int = 1) -> Range<Int> {
        for _ in 0..<count { steps.append(.get(byteCount: byteCount)) }
        getCount += count
        return getCount - count..<getCount
    }

    mutating func giveBack(_ indices: some Sequence<Int>) {
        for index in indices { steps.append(.giveBack(index: index)) }
    }

    /// Takes `count` buffers at once, and returns them.
    mutating func burst(_ byteCount: Int, count: Int) {
        let indices = get(byteCount, count: count)
        giveBack(indices)
    }

    /// Takes one buffer of each size, largest last, and returns all.
    mutating func scan(_ byteCounts: [Int], countOfEach: Int = 1) {
        var indices: [Int] = []
        for byteCount in byteCounts { indices += get(byteCount, count: countOfEach) }
        giveBack(indices)
    }

    /// 20,000 steps with up to 40 buffers out at a time, each of the class that `shift` says for the step.
    static func mixed(
        _ random: inout SeededGenerator, shift: (_ step: Int, _ random: inout SeededGenerator) -> Int
    ) -> EvictionTrace {
        var trace = EvictionTrace()
        var out: [Int] = []
        for step in 0..<20_000 {
            if out.count < 40, Bool.random(using: &random) {
                out += trace.get(1 << shift(step, &random))
            } else if !out.isEmpty {
                trace.giveBack([out.remove(at: Int.random(in: 0..<out.count, using: &random))])
            }
        }
        return trace
    }

    /// Plays the steps, on this thread, to a pool; what came of it.
    func play(to pool: BufferPool) -> BufferPool.Statistics {
        var leases: [Int: LeaseBox] = [:]
        var index = 0
        for step in steps {
            switch step {
            case .get(let byteCount):
                leases[index] = LeaseBox(pool.get(byteCount))
                index += 1
            case .giveBack(let index): leases[index] = nil
            }
        }
        return pool.statistics()
    }
}

extension BufferPool.Statistics {
    /// The part of gets that found an idle buffer, in a cache or a shard.
    var hitRate: Double {
        let hitCount = gets.cache + gets.shard
        return Double(hitCount) / Double(hitCount + gets.fresh + gets.transient)
    }
}
