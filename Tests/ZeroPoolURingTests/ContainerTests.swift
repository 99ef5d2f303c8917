import CLibUring
import Glibc
import TestSupport
import Testing

@testable import ZeroPoolURing

@Suite("Containers of raw memory")
struct ContainerTests {
    /// Counts those that are alive.
    private final class Count {
        var value = 0
    }

    private struct Element: ~Copyable {
        let number: Int
        private let count: Count

        init(_ number: Int, _ count: Count) {
            self.number = number
            self.count = count
            count.value += 1
        }

        deinit { count.value -= 1 }
    }

    @Test("A slab keeps its elements when it grows, and ends each once")
    func slab() {
        let count = Count()
        do {
            var slab = Slab(count: 3) { Element($0, count) }
            slab.grow(to: 100) { Element($0 * 2, count) }
            #expect(slab.count == 100 && count.value == 100)
            #expect(slab[2].number == 2 && slab[3].number == 6 && slab[99].number == 198)
            let old = slab.exchange(Element(7, count), at: 99)
            #expect(old.number == 198 && slab[99].number == 7 && count.value == 101)
            #expect(slab.address(of: 1) - slab.address(of: 0) == MemoryLayout<Element>.stride)
        }
        #expect(count.value == 0)
    }

    @Test("An index past a slab traps, on either side", arguments: [-1, 4, Int.max, Int.min])
    func slabBounds(index: Int) async {
        await #expect(processExitsWith: trap) { [index = index as Int] in
            let slab = Slab(count: 4) { $0 }
            print(slab[index])
        }
        let zeroed = Slab<UInt64>(zeroedCount: 4)
        #expect(zeroed[0] == 0 && zeroed[3] == 0)
    }

    @Test("A shared value ends with its last owner, or never when it is kept")
    func shared() {
        let count = Count()
        do {
            let first = Shared(Element(1, count))
            do {
                let second = Shared(sharing: first)
                #expect(second.value.number == 1)
            }
            #expect(count.value == 1)
        }
        #expect(count.value == 0)
        // The leak sanitizer would report what is kept.
        if Sanitizer.isActive { return }
        do {
            let kept = Shared(Element(2, count))
            kept.keepForever()
        }
        #expect(count.value == 1)
    }

    @Test("Shared owners see each other's changes")
    func sharedChanges() {
        let first = Shared(1)
        let second = Shared(sharing: first)
        second.value += 41
        #expect(first.value == 42)
    }

    @Test("Operands lie in order, aligned, with a zero behind each path")
    func operands() {
        let path = Array("a/path".utf8)
        var operands = Operands(byteCount: 24 + Operands.byteCount(ofPath: path.span.bytes) + 8 + 8)
        let words = operands.append(words: 1, 2, 0x0304)
        let place = operands.append(path: path.span.bytes)
        let room = operands.reserve(8)
        #expect(place == words + 24)
        #expect(room == words + 32)
        #expect((0..<6).map { operands.load(UInt8.self, at: 24 + $0) } == path)
        #expect(operands.load(UInt8.self, at: 30) == 0)
        #expect(operands.load(UInt64.self, at: 8) == 2 && operands.load(UInt16.self, at: 16) == 0x0304)
        #expect(operands.load(UInt64.self, at: 32) == 0)
    }

    @Test("Operands that were not counted, and numbers past them, trap")
    func operandBounds() async {
        await #expect(processExitsWith: trap) {
            var operands = Operands(byteCount: 8)
            print(operands.append(path: Array("12345678".utf8).span.bytes))
        }
        await #expect(processExitsWith: trap) {
            var operands = Operands(byteCount: 100)
            _ = operands.reserve(8)
            print(operands.load(UInt64.self, at: 1))
        }
        await #expect(processExitsWith: trap) {
            let operands = Operands(byteCount: 100)
            print(operands.load(UInt8.self, at: -1))
        }
    }

    @Test("A backlog gives its entries back in order, also while others come")
    func backlog() {
        var backlog = SubmissionBacklog()
        var (next, expected) = (UInt64(0), UInt64(0))
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<10_000 {
            if backlog.count == 0 || Bool.random(using: &generator) {
                var element = SubmissionBacklog.Element(entry: .init())
                element.entry.user_data = next
                backlog.append(element)
                next += 1
            } else {
                #expect(backlog.oldest?.entry.user_data == expected)
                backlog.removeOldest()
                expected += 1
            }
            #expect(backlog.count == Int(next - expected))
        }
    }
}
