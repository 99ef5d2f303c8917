import Testing
import ZeroPoolURing

@testable import ZeroPoolReactor

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
        let error = #expect(throws: ReactorError.self) { try plan(16_384, reactors: 10, limit: 64) }
        #expect("\(error!)".contains("ulimit -n"))
        #expect(throws: ReactorError.self) { try plan(16_384, reactors: nil, limit: 8) }
    }
}

@Suite("QueueBudget")
struct QueueBudgetTests {
    @Test(
        "queues take at most half of a short share, and are of full length where it is ample",
        arguments: [4, 16, 32, 64, 256, 1023])
    func shortShares(kibibytes: Int) {
        let configuration = QueueBudget.configuration(share: kibibytes << 10)
        let byteCount = Int(configuration.submissionEntries) * 64 + Int(configuration.completionEntries) * 16
        #expect(byteCount <= max(kibibytes << 9, 2048))
        #expect(configuration.completionEntries >= 64)
        #expect(configuration.submissionEntries >= 16)
    }

    @Test("an ample share shortens nothing")
    func ampleShare() {
        let configuration = QueueBudget.configuration(share: 4 << 20)
        #expect(configuration.submissionEntries == Ring.Configuration().submissionEntries)
        #expect(configuration.completionEntries == Ring.Configuration().completionEntries)
    }
}

@Suite("LockedMemoryPrivilege")
struct LockedMemoryPrivilegeTests {
    private let initialMap = "         0          0 4294967295\n"

    private func status(_ capabilities: String) -> String {
        "Name:\tpooled-echo\nUid:\t0\t0\t0\t0\nCapPrm:\t000001ffffffffff\nCapEff:\t\(capabilities)\nCapBnd:\t000001ffffffffff\n"
    }

    @Test(
        "the capability counts, and not the user",
        arguments: [
            ("000001ffffffffff", true), ("0000000000004000", true), ("000001ffffffbfff", false),
            ("00000000a80425fb", false), ("0000000000000000", false),
        ])
    func capability(capabilities: String, isHeld: Bool) {
        #expect(LockedMemoryPrivilege.isHeld(status: status(capabilities), userMap: initialMap) == isHeld)
    }

    @Test("in another user namespace a capability counts for nothing", arguments: ["0 1000 1", "0 100000 65536", ""])
    func otherNamespace(map: String) {
        #expect(!LockedMemoryPrivilege.isHeld(status: status("000001ffffffffff"), userMap: map))
    }

    @Test("what can't be read grants nothing")
    func unreadable() {
        #expect(!LockedMemoryPrivilege.isHeld(status: "", userMap: initialMap))
    }
}
