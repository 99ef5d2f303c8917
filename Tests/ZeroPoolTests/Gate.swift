import Glibc

@testable import ZeroPool

/// Opens once; who waits goes on then.
final class Gate: @unchecked Sendable {
    private let isOpen = Locked(false)

    func open() { isOpen.withLock { $0 = true } }

    func wait() { while !isOpen.withLock({ $0 }) { usleep(1000) } }
}
