import TestSupport
import Glibc
import Testing

/// What a test needs of the machine; without it, the test is shown as skipped.
extension Trait where Self == ConditionTrait {
    /// This machine lets us make a ring.
    static var ring: Self { .enabled(if: Machine.allowsRings, "this machine does not let us make an io_uring") }

    /// `PATH` leads to this program.
    static func program(_ name: String) -> Self {
        .enabled(if: Program.isPresent(name), "\(name) is not installed")
    }

    static var root: Self { .enabled(if: geteuid() == 0, "only root becomes another user") }

    /// Loopback has IPv6.
    static var ipv6: Self { .enabled(if: canBindToIPv6Loopback, "this machine has no IPv6 loopback") }

    /// As many descriptors as this may be had.
    static func descriptors(_ count: Int) -> Self {
        .enabled(if: descriptorLimit >= count, "the hard limit on descriptors is below \(count)")
    }

    /// This machine lets us trace our own programs.
    static var tracing: Self { .enabled(if: canTrace, "this machine does not let strace trace a program") }

    static var unsanitized: Self {
        .enabled(if: !Program.isSanitized, "resident memory says nothing under a sanitizer")
    }
}

private let canBindToIPv6Loopback: Bool = {
    let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_addr = in6addr_loopback
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size)) == 0
        }
    }
}()

private let canTrace: Bool = {
    guard let tracer = try? ChildProcess("strace", ["-D", "-f", "-qq", "-o", "/dev/null", "true"]) else { return false }
    return (try? tracer.waitForEnd()) == .exited(0)
}()

private let descriptorLimit: Int = {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return Int(clamping: limit.rlim_max)
}()
