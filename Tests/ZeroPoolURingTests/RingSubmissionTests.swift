import CLibUring
import Glibc
import Testing

@testable import ZeroPoolURing

@Suite("Submission")
struct RingSubmissionTests {
    @Test("Every operation survives a full queue, once, in order")
    func everyOperationSurvivesAFullQueue() throws {
        let ring = try Ring(.init(submissionEntries: 4, completionEntries: 8))
        let count = 1000
        for token in 0..<count { ring.nop(userData: UInt64(token)) }
        let completions = try ring.reap(count)
        // No-ops complete in the order in which the kernel takes them. There are more of them than the completion
        // queue holds, too.
        #expect(completions.map(\.userData) == (0..<count).map(UInt64.init))
        #expect(completions.allSatisfy { $0.result == 0 && $0.isFinal })
        #expect(ring.operationCount(of: .nop) == count)
    }

    @Test("What the kernel refuses is kept and goes later, in order, timeouts with their time")
    func refusedOperationsAreKept() throws {
        // A ring that is not enabled yet refuses every submission: EBADFD.
        var host = io_uring()
        var parameters = io_uring_params()
        parameters.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN
        try #require(io_uring_queue_init_params(4, &host, &parameters) == 0)
        defer { io_uring_queue_exit(&host) }
        try withUnsafeMutablePointer(to: &host) { host in
            let ring = try Ring(adopting: host)
            let start = monotonicNanoseconds()
            for token in UInt64(0)..<300 {
                if token % 3 == 2 {
                    let time = start + 500_000_000 + (300 - token) * 1_000_000
                    ring.timeout(atMonotonicNanoseconds: time, userData: token)
                } else {
                    ring.nop(userData: token)
                }
            }
            #expect(throws: RingError(.submit, errno: EBADFD)) { try ring.submit() }
            #expect(throws: RingError(.wait, errno: EBADFD)) { try ring.submitAndWait() }

            // The shared liburing 2.3 forgets to export io_uring_enable_rings.
            let enableRings = UInt32(IORING_REGISTER_ENABLE_RINGS)
            try #require(io_uring_register(UInt32(host.pointee.ring_fd), enableRings, nil, 0) == 0)
            // The host's own submission makes room in the queue, which those that wait still come before.
            #expect(io_uring_submit(host) == 4)
            ring.nop(userData: 300)
            let completions = try ring.reap(301)
            let nops = completions.filter { $0.result == 0 }.map(\.userData)
            let expectedNops: [UInt64] = (0...300).filter { $0 % 3 != 2 }
            #expect(nops == expectedNops)
            // The later a timeout was prepared, the earlier it ends: each kept its own time.
            let timeouts = completions.filter { $0.result == -ETIME }.map(\.userData)
            let expectedTimeouts: [UInt64] = (0..<300).filter { $0 % 3 == 2 }.reversed()
            #expect(timeouts == expectedTimeouts)
            #expect(monotonicNanoseconds() >= start + 798_000_000)
        }
    }

    @Test("Without anything prepared, a submission does not enter the kernel")
    func emptySubmissionIsFree() throws {
        let ring = try Ring()
        #expect(try ring.submit() == 0)
        #expect(ring.enterCount == 0)
        ring.nop(userData: 1)
        #expect(try ring.submit() == 1)
        #expect(ring.enterCount == 1)
    }

    @Test("A wait ends with its time, one time, although something was submitted with it")
    func waitEndsWithItsTime() throws {
        let ring = try Ring()
        let pair = try SocketPair()
        ring.poll(.file(pair.near), events: UInt32(POLLIN), userData: 1)
        let start = ContinuousClock.now
        try ring.submitAndWait(timeout: .milliseconds(400))
        let elapsed = ContinuousClock.now - start
        #expect(elapsed >= .milliseconds(400))
        #expect(elapsed < .milliseconds(800))
        #expect(ring.forEachCompletion { _ in } == 0)
    }

    @Test("A wait for nothing runs the kernel's deferred work and returns")
    func waitForNothingPolls() throws {
        let ring = try Ring()
        let pair = try SocketPair()
        ring.poll(.file(pair.near), events: UInt32(POLLIN), userData: 9)
        try ring.submitAndWait(minimum: 0)
        #expect(ring.forEachCompletion { _ in } == 0)
        try writeAll("x", to: pair.far)
        try ring.submitAndWait(minimum: 0)
        var seen: [UInt64] = []
        ring.forEachCompletion { seen.append($0.userData) }
        #expect(seen == [9])
    }

    @Test("Operations may be prepared while completions are read, past a full queue")
    func preparesWhileReaping() throws {
        let ring = try Ring(.init(submissionEntries: 2, completionEntries: 4))
        var generation = 0
        for _ in 0..<4 { ring.nop(userData: 0) }
        while generation < 5 {
            try ring.submitAndWait(timeout: .seconds(1))
            ring.forEachCompletion { completion in
                generation = max(generation, Int(completion.userData))
                // Each gives birth to two: the kernel's list behind a full queue has to hold them.
                for _ in 0..<2 where completion.userData < 5 { ring.nop(userData: completion.userData + 1) }
            }
        }
        #expect(generation == 5)
    }

    @Test("Operation counts name what was prepared, as the kernel does")
    func operationCountsNameOperations() throws {
        let ring = try Ring()
        ring.nop(userData: 0)
        ring.nop(userData: 0)
        ring.cancelAll(userData: 1)
        let counts = ring.operationCounts
        #expect(counts.map(\.name) == ["nop", "async_cancel"])
        #expect(counts.map(\.count) == [2, 1])
    }

    @Test("Operation numbers are the kernel's")
    func operationNumbersAreTheKernels() {
        let numbers: [(Opcode, io_uring_op)] = [
            (.nop, IORING_OP_NOP), (.readFixed, IORING_OP_READ_FIXED), (.writeFixed, IORING_OP_WRITE_FIXED),
            (.pollAdd, IORING_OP_POLL_ADD), (.timeout, IORING_OP_TIMEOUT), (.accept, IORING_OP_ACCEPT),
            (.cancel, IORING_OP_ASYNC_CANCEL), (.connect, IORING_OP_CONNECT), (.close, IORING_OP_CLOSE),
            (.read, IORING_OP_READ), (.write, IORING_OP_WRITE), (.send, IORING_OP_SEND),
            (.receive, IORING_OP_RECV), (.shutdown, IORING_OP_SHUTDOWN), (.messageRing, IORING_OP_MSG_RING),
            (.command, IORING_OP_URING_CMD), (.sendZeroCopy, IORING_OP_SEND_ZC), (.openAt2, IORING_OP_OPENAT2),
            (.statx, IORING_OP_STATX), (.sync, IORING_OP_FSYNC), (.renameAt, IORING_OP_RENAMEAT),
            (.unlinkAt, IORING_OP_UNLINKAT), (.makeDirectoryAt, IORING_OP_MKDIRAT),
            (.updateFiles, IORING_OP_FILES_UPDATE),
        ]
        for (opcode, number) in numbers { #expect(UInt32(opcode.rawValue) == number.rawValue) }
        // The one that the older liburing does not name.
        #expect(numbers.count == Opcode.allCases.count - 1)
    }
}
