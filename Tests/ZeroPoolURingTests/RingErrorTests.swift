import TestSupport
import Glibc
import Testing
import ZeroPoolURing

@Suite("Errors")
struct RingErrorTests {
    @Test("Using a ring on another thread traps")
    func anotherThreadTraps() async {
        await #expect(processExitsWith: trap) {
            /// Carries a ring to the wrong thread, which the type system otherwise prevents.
            final class Smuggler: @unchecked Sendable {
                let ring: Ring
                init() throws { ring = try Ring() }
            }
            let smuggler = try Smuggler()
            smuggler.ring.nop(userData: 1)
            _ = try Thread { try smuggler.ring.submit() }.join()
        }
    }

    @Test("A file table larger than the limit on open files is refused with a remedy")
    func fileTableLargerThanTheLimit() throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        guard let count = UInt32(exactly: limit.rlim_cur &+ 1), count < 1 << 20 else { return }
        let ring = try Ring()
        let error = #expect(throws: RingError.self) { try ring.registerSparseFiles(count: count) }
        #expect(error?.operation == .registerFiles)
        #expect(error?.errno == EMFILE)
        #expect(error?.remedy?.contains("RLIMIT_NOFILE") == true)
    }

    @Test("A description is a sentence with the operation, the reason and the number")
    func descriptionIsASentence() {
        let error = RingError(.setUp, errno: EPERM)
        #expect(error.description == "Cannot set up an io_uring: Operation not permitted (errno 1)")
        #expect(error.remedy?.contains("seccomp") == true || error.remedy?.contains("io_uring_disabled") == true)
        #expect(RingError(.submit, errno: EEXIST).remedy?.contains("thread") == true)
        #expect(RingError(.setUp, errno: ENOSYS).remedy?.contains("6.1") == true)
        #expect(RingError(.updateBuffers, errno: ENOMEM).remedy?.contains("RLIMIT_MEMLOCK") == true)
    }

    @Test("The probe knows what this kernel can do")
    func probeKnowsTheKernel() throws {
        let features = try Ring().features
        // What a ring with deferred task work (6.1) implies.
        for opcode in Opcode.allCases where opcode != .installDescriptor { #expect(features.supports(opcode)) }
    }
}
