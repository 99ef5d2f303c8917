import Testing

@testable import PooledEcho

@Suite("DescriptorBudget")
struct DescriptorBudgetTests {
    private func plan(_ connections: Int, reactors: Int?, processors: Int = 2, limit: Int) throws
        -> DescriptorBudget.Plan
    {
        try DescriptorBudget.plan(
            maxConnectionCount: connections, reactorCount: reactors, processorCount: processors, descriptorLimit: limit)
    }

    @Test("with descriptors enough all that was asked for is there, and 32 slots to refuse others with")
    func ample() throws {
        #expect(
            try plan(16_384, reactors: 4, limit: 1 << 20)
                == DescriptorBudget.Plan(reactorCount: 4, connectionCount: 16_384, fileSlotCount: 16_416))
    }

    @Test("64 descriptors are planned: a slot in eight refuses")
    func sixtyFour() throws {
        #expect(
            try plan(16_384, reactors: nil, limit: 64)
                == DescriptorBudget.Plan(reactorCount: 2, connectionCount: 56, fileSlotCount: 64))
        #expect(try plan(10, reactors: nil, limit: 64).connectionCount == 10)
    }

    @Test("many processors get as many reactors as there are descriptors for")
    func fewerReactors() throws {
        #expect(try plan(16_384, reactors: nil, processors: 64, limit: 64).reactorCount == 9)
        #expect(try plan(16_384, reactors: nil, processors: 500, limit: 1 << 20).reactorCount == 128)
    }

    @Test("reactors that were asked for are there, or it is an error that says what helps")
    func tooManyReactors() throws {
        #expect(try plan(16_384, reactors: 9, limit: 64).reactorCount == 9)
        let error = #expect(throws: ServerError.self) { try plan(16_384, reactors: 10, limit: 64) }
        #expect("\(error!)".contains("ulimit -n"))
        #expect(throws: ServerError.self) { try plan(16_384, reactors: nil, limit: 8) }
    }
}
