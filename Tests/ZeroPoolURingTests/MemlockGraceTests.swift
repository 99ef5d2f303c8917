import Glibc
import Testing

@testable import ZeroPoolURing

@Suite("MemlockGrace")
struct MemlockGraceTests {
    @Test("a refusal for lack of lockable memory is retried until it passes")
    func passes() {
        var results: [Int32] = [-ENOMEM, -ENOMEM, 3, -ENOMEM]
        #expect(MemlockGrace(.seconds(60)).retry { results.removeFirst() } == 3)
        #expect(results == [-ENOMEM])
    }

    @Test("when the time is over, once is enough")
    func ends() {
        var grace = MemlockGrace(.seconds(60))
        grace.finish()
        for grace in [grace, MemlockGrace(.zero), MemlockGrace(.seconds(-1))] {
            var attemptCount = 0
            let result = grace.retry {
                attemptCount += 1
                return -ENOMEM
            }
            #expect(result == -ENOMEM)
            #expect(attemptCount == 1)
        }
    }

    @Test("one time for all: the second refused attempt does not wait again")
    func oneTime() {
        let grace = MemlockGrace(.milliseconds(30))
        #expect(grace.retry { -ENOMEM } == -ENOMEM)
        var attemptCount = 0
        _ = grace.retry {
            attemptCount += 1
            return -ENOMEM
        }
        #expect(attemptCount == 1)
    }

    @Test("other errors are not retried")
    func others() {
        var attemptCount = 0
        _ = MemlockGrace(.seconds(60)).retry {
            attemptCount += 1
            return -EBADF
        }
        #expect(attemptCount == 1)
    }
}
