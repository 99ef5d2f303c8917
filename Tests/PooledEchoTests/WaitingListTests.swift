import Testing

@testable import PooledEcho

@Suite("WaitingList")
struct WaitingListTests {
    private func all(_ list: inout WaitingList) -> [ConnectionNumber] {
        var numbers: [ConnectionNumber] = []
        while let number = list.popFirst() { numbers.append(number) }
        return numbers
    }

    /// A value that can't be copied can't stand in `#expect`.
    private func expect(_ list: borrowing WaitingList, count: Int, _ comment: Comment? = nil) {
        let (isEmpty, actual) = (list.isEmpty, list.count)
        #expect(actual == count && isEmpty == (count == 0), comment)
    }

    @Test("who waits longest comes first")
    func order() {
        var list = WaitingList(capacity: 4)
        expect(list, count: 0)
        for number in [2, 0, 3] as [ConnectionNumber] { list.append(number) }
        expect(list, count: 3)
        let numbers = all(&list)
        #expect(numbers == [2, 0, 3])
        expect(list, count: 0)
    }

    @Test("whoever leaves, the others keep their order", arguments: 0..<4 as Range<ConnectionNumber>)
    func removal(leaving: ConnectionNumber) {
        var list = WaitingList(capacity: 4)
        for number in 0..<4 as Range<ConnectionNumber> { list.append(number) }
        list.remove(leaving)
        list.append(leaving)
        let numbers = all(&list)
        #expect(numbers == (0..<4).filter { $0 != leaving } + [leaving])
    }

    @Test("it does as an array does, whatever the order of calls")
    func model() {
        var random = SystemRandomNumberGenerator()
        let seed = random.next()
        var state = seed
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var list = WaitingList(capacity: 16)
        var model: [ConnectionNumber] = []
        for step in 0..<10_000 {
            let number = ConnectionNumber(next(16))
            if next(4) == 0 {
                let first = list.popFirst()
                #expect(first == (model.isEmpty ? nil : model.removeFirst()), "seed \(seed), step \(step)")
            } else if let index = model.firstIndex(of: number) {
                list.remove(number)
                model.remove(at: index)
            } else {
                list.append(number)
                model.append(number)
            }
            expect(list, count: model.count, "seed \(seed), step \(step)")
        }
        let numbers = all(&list)
        #expect(numbers == model, "seed \(seed)")
    }
}
