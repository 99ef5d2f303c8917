import Testing
import ZeroPoolURing

@testable import PooledEcho

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
