import Testing

@testable import PooledEcho

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
