import TestSupport
import Testing

@testable import ZeroPool

/// The idle lists by themselves, on descriptors without memory, against plain arrays.
@Suite("IdleBuffers")
struct IdleBuffersTests {
    private static let shifts = 12...17

    /// What is idle by class, oldest first, and who holds the rest.
    private struct Model {
        var idle: [Int: [DescriptorPointer]] = [:]
        var away: [DescriptorPointer] = []
        var byteCount: Int { idle.reduce(0) { $0 + $1.value.count << $1.key } }
    }

    private func configuration(_ policy: EvictionPolicy) -> BufferPool.Configuration {
        var configuration = BufferPool.Configuration.adapted()
        configuration.numShards = 1
        configuration.maxBuffersPerShard = 6
        configuration.maxIdleByteCount = 400 << 10
        configuration.evictionPolicy = policy
        return configuration
    }

    @Test(
        "random gets and returns keep to the limits, lose nothing and keep nothing twice",
        arguments: [EvictionPolicy.lifo, .clockPro], 0..<6)
    func randomOperations(policy: EvictionPolicy, round: Int) {
        var random = SeededGenerator.announced("idle \(policy)", round)
        let table = Table(count: 60, shifts: IdleBuffersTests.shifts)
        var idle = IdleBuffers(configuration(policy))
        var model = Model(away: table.all)
        for _ in 0..<1500 {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<30: take(&idle, &model, shift: Int.random(in: IdleBuffersTests.shifts, using: &random))
            case 30..<45:
                takeBatch(
                    &idle, &model, shift: Int.random(in: IdleBuffersTests.shifts, using: &random),
                    limit: Int.random(in: 1...4, using: &random))
            case 45..<55:
                addBatch(
                    &idle, &model, shift: Int.random(in: IdleBuffersTests.shifts, using: &random),
                    limit: Int.random(in: 1...4, using: &random), policy)
            case 55..<90:
                guard !model.away.isEmpty else { continue }
                let newcomer = model.away.remove(at: Int.random(in: 0..<model.away.count, using: &random))
                model.idle[Int(newcomer.pointee.shift), default: []].append(newcomer)
                leave(idle.add(newcomer), &model)
            case 90..<96:
                // Evicted, and carved anew.
                guard let descriptor = model.away.randomElement(using: &random) else { continue }
                descriptor.pointee.accessCount = 0
                idle.noteFresh(descriptor)
            case 96..<98:
                let bit = Int.random(in: 0..<8, using: &random)
                leave(idle.removeAll { ($0 - table.base) & 7 == bit }, &model)
            default:
                if Int.random(in: 0..<20, using: &random) == 0 { leave(idle.removeAll(), &model) }
            }
            guard check(idle, model, policy) else { return }
        }
        withExtendedLifetime(table) {}
    }

    private func take(_ idle: inout IdleBuffers, _ model: inout Model, shift: Int) {
        let count = model.idle[shift]?.count ?? 0
        let descriptor = idle.take(shift: shift)
        #expect((descriptor != nil) == (count > 0), "an idle buffer of the class is found")
        if let descriptor { leave(descriptor, &model) }
    }

    private func takeBatch(_ idle: inout IdleBuffers, _ model: inout Model, shift: Int, limit: Int) {
        // Hot ones come first, each newest first: the first is the batch's last.
        let lists = idle.lists[shift - 12]
        let newest = (oldestFirst(lists.cold) + (walk(lists.hot) ?? [])).suffix(limit)
        withUnsafeTemporaryAllocation(of: DescriptorPointer.self, capacity: limit) { batch in
            let count = idle.take(shift: shift, upTo: limit, to: batch.baseAddress!)
            #expect(Array(batch.prefix(count)) == Array(newest), "the newest is the last")
            for descriptor in batch.prefix(count) { leave(descriptor, &model) }
        }
    }

    private func addBatch(
        _ idle: inout IdleBuffers, _ model: inout Model, shift: Int, limit: Int, _ policy: EvictionPolicy
    ) {
        let batch = model.away.filter { $0.pointee.shift == UInt8(shift) }.prefix(limit)
        let hasRoom = idle.room(shift: shift) >= batch.count
        let isKept = Array(batch).withUnsafeBufferPointer { idle.addWhole($0, shift: shift, idleSince: 7) }
        #expect(isKept == (policy == .lifo && hasRoom), "all of a batch or nothing")
        guard isKept else { return }
        model.away.removeAll { batch.contains($0) }
        model.idle[shift, default: []] += batch
        #expect(batch.allSatisfy { $0.pointee.isIdle && $0.pointee.idleSince == 7 })
    }

    private func leave(_ chain: consuming BufferChain, _ model: inout Model) {
        var chain = chain
        while let descriptor = chain.pop() { leave(descriptor, &model) }
    }

    private func leave(_ descriptor: DescriptorPointer, _ model: inout Model) {
        let shift = Int(descriptor.pointee.shift)
        let index = model.idle[shift]?.firstIndex(of: descriptor)
        #expect(index != nil, "what leaves was idle")
        if let index { model.idle[shift]!.remove(at: index) }
        #expect(!descriptor.pointee.isIdle)
        model.away.append(descriptor)
    }

    /// Whether everything that should hold does.
    private func check(_ idle: IdleBuffers, _ model: Model, _ policy: EvictionPolicy) -> Bool {
        var isRight = idle.byteCount == model.byteCount && idle.byteCount <= 400 << 10
        var coldByteCount = 0
        for shift in IdleBuffersTests.shifts {
            let expected = model.idle[shift] ?? []
            let lists = idle.lists[shift - 12]
            let cold = oldestFirst(lists.cold)
            let hot = walk(lists.hot)
            isRight = isRight && cold.count == lists.cold.count && hot != nil
            isRight = isRight && Set(cold + (hot ?? [])) == Set(expected) && expected.count <= 6
            isRight = isRight && (policy == .clockPro || cold == expected)
            isRight = isRight && cold.allSatisfy { $0.pointee.accessCount == 0 && $0.pointee.isIdle }
            isRight = isRight && (hot ?? []).allSatisfy { (1...3).contains($0.pointee.accessCount) }
            isRight = isRight && (policy == .clockPro || hot == [])
            coldByteCount += lists.cold.count << shift
        }
        isRight = isRight && idle.coldByteCount == coldByteCount
        if let clock = idle.clock {
            let ghosts = IdleBuffersTests.shifts.map { clock.ghostCount(shift: $0) }
            let ghostByteCount = zip(IdleBuffersTests.shifts, ghosts).reduce(0) { $0 + $1.1 << $1.0 }
            isRight = isRight && ghosts.allSatisfy { $0 <= 6 } && ghostByteCount == clock.ghostByteCount
            isRight = isRight && ghostByteCount <= 400 << 10
        }
        if !isRight { Issue.record("\(idle) is not \(model)") }
        return isRight
    }

    private func oldestFirst(_ stack: BufferStack) -> [DescriptorPointer] {
        var found: [DescriptorPointer] = []
        _ = stack.forEachFromOldest {
            found.append($0)
            return true
        }
        return found
    }

    /// The list's buffers, oldest first; nil when it is not linked as it should be.
    private func walk(_ list: BufferList) -> [DescriptorPointer]? {
        var found: [DescriptorPointer] = []
        var next = list.oldest
        while let descriptor = next {
            if found.isEmpty ? descriptor.pointee.next != nil : descriptor.pointee.next != found.last { return nil }
            found.append(descriptor)
            next = descriptor.pointee.previous
            if found.count > list.count { return nil }
        }
        return found.last == list.newest && found.count == list.count ? found : nil
    }

    @Test("a stack of hundreds, of which the oldest leave and batches come and go, is as an array", arguments: 0..<3)
    func longStack(round: Int) {
        var random = SeededGenerator.announced("stack", round)
        let table = Table(count: 400, shifts: 12...12)
        var stack = BufferStack()
        var (model, away) = ([DescriptorPointer](), table.all)
        for _ in 0..<3000 {
            let limit = Int.random(in: 1...40, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0...1:
                let batch = Array(away.prefix(limit))
                away.removeFirst(batch.count)
                batch.withUnsafeBufferPointer { stack.insertNewest($0, idleSince: 7) }
                model += batch
            case 2:
                withUnsafeTemporaryAllocation(of: DescriptorPointer.self, capacity: limit) { batch in
                    let count = stack.moveNewest(limit, to: batch.baseAddress!)
                    #expect(Array(batch.prefix(count)) == Array(model.suffix(limit)))
                }
                away += model.suffix(limit)
                model.removeLast(min(limit, model.count))
            default:
                for _ in 0..<limit / 2 {
                    #expect(stack.removeOldest() == model.first)
                    if !model.isEmpty { away.append(model.removeFirst()) }
                }
            }
            #expect(stack.count == model.count && oldestFirst(stack) == model)
            #expect(model.allSatisfy(\.pointee.isIdle) && !away.contains(where: \.pointee.isIdle))
        }
        withExtendedLifetime(table) {}
    }

    @Test("a buffer of a batch that is idle already traps: it was returned twice")
    func batchReturnedTwice() async {
        await #expect(processExitsWith: .failure) {
            let table = Table(count: 2, shifts: 12...12)
            var stack = BufferStack()
            table.all.withUnsafeBufferPointer { stack.insertNewest($0, idleSince: 1) }
            table.all.withUnsafeBufferPointer { stack.insertNewest($0, idleSince: 2) }
        }
    }

    @Test("a buffer's description is at most one cache line")
    func descriptorIsALine() {
        #expect(MemoryLayout<BufferDescriptor>.stride <= 64)
    }

    // MARK: The clock, step by step

    @Test("what was evicted and is carved again begins hot, once for each that was evicted")
    func ghosts() {
        let table = Table(count: 40, shifts: 16...16)
        var idle = IdleBuffers(configuration(.clockPro).with(perShard: 100, idleByteCount: 4 << 16))
        // Four stay; three leave, and leave ghosts.
        for descriptor in table.all.prefix(7) { _ = idle.add(descriptor) }
        #expect(idle.count == 4)
        let fresh = table.all.suffix(4)
        for descriptor in fresh { idle.noteFresh(descriptor) }
        #expect(fresh.map { $0.pointee.accessCount } == [1, 1, 1, 0])
        withExtendedLifetime(table) {}
    }

    @Test("a cold newcomer drives out nothing, a hot one the cold of other classes, and then only what is pressed down")
    func whoLeaves() {
        let table = Table(count: 600, shifts: 12...17)
        var idle = IdleBuffers(configuration(.clockPro).with(perShard: 100, idleByteCount: 2 << 17))
        let large = table.all.filter { $0.pointee.shift == 17 }
        let small = table.all.filter { $0.pointee.shift == 12 }
        for descriptor in large.prefix(2) { #expect(count(idle.add(descriptor)) == 0) }
        // Cold on cold.
        #expect(left(idle.add(small[0])) == [small[0]])
        // Hot on cold: one large one goes.
        small[1].pointee.accessCount = 1
        #expect(left(idle.add(small[1])) == [large[0]])
        #expect(count(idle.add(large[2])) == 1, "no room any more for it, and cold")
        // The other, in use twice, is hot now and stays.
        for _ in 0..<2 {
            let taken = idle.take(shift: 17)
            #expect(taken == large[1])
            #expect(count(idle.add(taken!)) == 0)
        }
        #expect(large[1].pointee.accessCount == 2)
        // Hot newcomers fill the rest, and press the large one down by and by: not 128 of 4 KiB, but 600.
        var away = Array(small.dropFirst(2))
        var newcomerCount = 0
        while idle.count(shift: 17) == 1, newcomerCount < 600 {
            let newcomer = away.removeFirst()
            newcomer.pointee.accessCount = 1
            away += left(idle.add(newcomer))
            newcomerCount += 1
        }
        #expect((128..<600).contains(newcomerCount))
        withExtendedLifetime(table) {}
    }

    private func left(_ chain: consuming BufferChain) -> [DescriptorPointer] {
        var chain = chain
        var left: [DescriptorPointer] = []
        while let descriptor = chain.pop() { left.append(descriptor) }
        return left
    }

    private func count(_ chain: consuming BufferChain) -> Int { chain.count }
}

extension BufferPool.Configuration {
    fileprivate func with(perShard: Int, idleByteCount: Int) -> BufferPool.Configuration {
        var copy = self
        copy.maxBuffersPerShard = perShard
        copy.maxIdleByteCount = idleByteCount
        return copy
    }
}

/// Descriptors of buffers that have no memory, `count` in all, of the shifts in turn.
private final class Table {
    let base: DescriptorPointer
    let all: [DescriptorPointer]

    init(count: Int, shifts: ClosedRange<Int>) {
        let base = DescriptorPointer.allocate(capacity: count)
        for index in 0..<count {
            (base + index).initialize(
                to: BufferDescriptor(allocatedShift: shifts.lowerBound + index % shifts.count, base: base))
        }
        self.base = base
        all = (0..<count).map { base + $0 }
    }

    deinit { base.deallocate() }
}
