import Glibc

/// Whether the limit on locked memory counts for this process at all.
///
/// The kernel asks for `CAP_IPC_LOCK` in the initial user namespace (`capable()` in `io_uring/io_uring.c`), and not for the
/// user: root in a container may lack it, and other users may have it.
enum LockedMemoryPrivilege {
    static let isHeld = isHeld(status: text(of: "/proc/self/status"), userMap: text(of: "/proc/self/uid_map"))

    private static let capabilityBit: UInt64 = 1 << 14

    /// As `/proc/self/status` and `/proc/self/uid_map` say; not held where they say nothing.
    static func isHeld(status: String, userMap: String) -> Bool {
        let effective = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
            .flatMap { $0.split(whereSeparator: \.isWhitespace).last }.flatMap { UInt64($0, radix: 16) }
        // Another namespace's capabilities count for nothing here; only the initial one maps all users to themselves.
        let isInitialNamespace = userMap.split(whereSeparator: \.isWhitespace) == ["0", "0", "4294967295"]
        return isInitialNamespace && (effective ?? 0) & capabilityBit != 0
    }

    /// A small file's text; empty when it can't be read.
    private static func text(of path: String) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { _ = close(descriptor) }
        return unsafe String(unsafeUninitializedCapacity: 8192) { buffer in
            unsafe max(0, read(descriptor, buffer.baseAddress!, buffer.count))
        }
    }
}
