import Glibc
import SystemSupport
import ZeroPool
import ZeroPoolURing

/// Limits per connection.
public struct ConnectionLimits: Sendable {
    /// Stop receiving from a peer that has this many bytes unread or unsent; resume at half. Bytes.
    public var unreadByteCount: Int
    /// The same limit in buffers, since a small message takes a whole buffer.
    public var unreadBufferCount: Int
    /// Close a connection after this many seconds without traffic, or up to an eighth later; 0 for never.
    public var idleSeconds = 600.0
    /// While others wait for buffers, cut a connection whose peer takes no whole buffer for this many seconds. More than 0.
    public var stallSeconds = 0.5
    /// After a handler has returned, wait this many seconds for the peer's end of stream; nil until the drain ends.
    public var lingerSeconds: Double? = 2

    /// Limits for receive buffers of `bufferByteCount` bytes. `unreadByteCount` is by default 1 MiB, or four buffers if
    /// that is more.
    public init(bufferByteCount: Int = 65_536, unreadByteCount: Int? = nil) {
        self.unreadByteCount = unreadByteCount ?? max(1 << 20, 4 * bufferByteCount)
        unreadBufferCount = max(16, self.unreadByteCount / bufferByteCount)
    }

    /// The same while buffers are scarce: one at a time.
    var scarce: ConnectionLimits {
        var limits = self
        limits.unreadBufferCount = 1
        return limits
    }
}

/// Limits and intervals of one reactor.
package struct ReactorLimits: Sendable {
    package var connection = ConnectionLimits()
    /// Memory that was idle for this many seconds goes back to the system; 0 for never.
    package var trimSeconds = 2.0
    /// How long a draining reactor waits for its peers, in seconds.
    package var drainSeconds = 5.0
    /// The grain of deadlines, in seconds.
    package var deadlineGrainSeconds = 0.1

    package init(
        connection: ConnectionLimits = ConnectionLimits(), trimSeconds: Double = 2, drainSeconds: Double = 5,
        deadlineGrainSeconds: Double = 0.1
    ) {
        self.connection = connection
        self.trimSeconds = trimSeconds
        self.drainSeconds = drainSeconds
        self.deadlineGrainSeconds = deadlineGrainSeconds
    }
}

/// How many reactors and connections the limit on descriptors allows.
enum DescriptorBudget {
    struct Plan: Equatable {
        var reactorCount: Int
        var connectionCount: Int
        /// Slots of each ring's file table.
        var fileSlotCount: Int
        /// Files that the process may keep open between requests.
        var openFileCount = 0
    }

    private static let maximumReactorCount = 128
    /// A reactor's ring, listener and bell, and two temporary descriptors (to ask for an address, to connect, to take
    /// buffers back).
    private static let descriptorCountPerReactor = 5
    /// The standard streams, and some more.
    private static let processDescriptorCount = 16

    /// Raises the soft limit up to the hard one if that is needed, and plans with the result. Throws when the
    /// requested reactors need more.
    ///
    /// - Parameters:
    ///   - reactorCount: nil for one per processor, and fewer where descriptors are short.
    ///   - openFileCount: Files that should stay open. Where there are any, each connection may have one more.
    static func plan(
        maxConnectionCount: Int, reactorCount: Int?, openFileCount: Int = 0
    ) throws(ReactorError) -> Plan {
        if let reactorCount, !(1...maximumReactorCount).contains(reactorCount) {
            throw .configuration("there can be 1 to \(maximumReactorCount) reactors, not \(reactorCount)")
        }
        let fileCount = openFileCount > 0 ? openFileCount + maxConnectionCount : 0
        let descriptorLimit = DescriptorLimit.raise(
            to: max(
                maxConnectionCount + spareSlotCount(of: .max),
                descriptorCount(reactorCount ?? maximumReactorCount) + fileCount))
        var plan = try plan(
            maxConnectionCount: maxConnectionCount, reactorCount: reactorCount,
            processorCount: ProcessBudget.processorCount, descriptorLimit: descriptorLimit)
        // Most descriptors are for files that requests are using.
        plan.openFileCount = min(openFileCount, descriptorLimit / 4)
        return plan
    }

    /// The same for a limit that is known.
    ///
    /// Connections are direct descriptors, which take no descriptors of the process; but the kernel limits a ring's
    /// table of them to the same number.
    static func plan(
        maxConnectionCount: Int, reactorCount: Int?, processorCount: Int, descriptorLimit: Int
    ) throws(ReactorError) -> Plan {
        let possible = (descriptorLimit - processDescriptorCount) / descriptorCountPerReactor
        let reactorCount = reactorCount ?? max(1, min(maximumReactorCount, processorCount, possible))
        guard reactorCount <= possible else {
            throw .configuration(
                "\(reactorCount) reactors need \(descriptorCount(reactorCount)) descriptors, and the limit is "
                    + "\(descriptorLimit); raise it with ulimit -n, or use fewer reactors")
        }
        let slotCount = min(maxConnectionCount + spareSlotCount(of: .max), descriptorLimit)
        let connectionCount = min(maxConnectionCount, slotCount - spareSlotCount(of: slotCount))
        return Plan(reactorCount: reactorCount, connectionCount: connectionCount, fileSlotCount: slotCount)
    }

    private static func descriptorCount(_ reactorCount: Int) -> Int {
        processDescriptorCount + reactorCount * descriptorCountPerReactor
    }

    /// Connections beyond the limit are accepted into these slots and refused at once: a full table would leave them hanging.
    private static func spareSlotCount(of slotCount: Int) -> Int { min(32, max(1, slotCount / 8)) }
}

/// How long a reactor's queues may be where locked memory is short.
///
/// Recent kernels charge a ring's queues to `RLIMIT_MEMLOCK`, as they do registered memory, and to the user, not the
/// process. The first reactor would take everything and the last could not start, so each gets its share.
enum QueueBudget {
    /// Queues are shortened below this share. Queues of full length take a third of it.
    private static let ampleByteCount = 1 << 20

    static func plan(reactorCount: Int) -> Ring.Configuration {
        var limit = rlimit()
        guard !LockedMemoryPrivilege.isHeld,
            unsafe getrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit) == 0
        else {
            return Ring.Configuration()
        }
        return configuration(share: Int(clamping: limit.rlim_cur) / reactorCount)
    }

    /// Half of `share` for the queues (64 bytes per submission, 16 per completion), so that buffers have the rest.
    static func configuration(share: Int) -> Ring.Configuration {
        guard share < ampleByteCount else { return Ring.Configuration() }
        var completionEntries: UInt32 = 64
        while Int(completionEntries) * 2 * 32 <= share / 2 { completionEntries *= 2 }
        return Ring.Configuration(submissionEntries: completionEntries / 4, completionEntries: completionEntries)
    }
}

/// Whether the limit on locked memory counts for this process at all.
///
/// The kernel asks for `CAP_IPC_LOCK` in the initial user namespace (`capable()` in `io_uring/io_uring.c`), and does
/// not look at the user: root in a container may lack it, and other users may have it.
enum LockedMemoryPrivilege {
    static let isHeld = isHeld(status: text(of: "/proc/self/status"), userMap: text(of: "/proc/self/uid_map"))

    private static let capabilityBit: UInt64 = 1 << 14

    /// What `/proc/self/status` and `/proc/self/uid_map` say; false if they say nothing.
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
