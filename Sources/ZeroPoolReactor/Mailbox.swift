internal import CZeroPool
internal import Glibc
import Synchronization

/// Wakes a reactor that waits for its ring.
package protocol Bell: Sendable {
    /// Any thread.
    func ring()
}

/// The work that other threads leave for a reactor: a lock-free stack, which is taken as a whole.
///
/// The thread that finds it empty rings the bell; the others know that the bell has been rung. Any thread may post,
/// and the reactor's thread takes.
final class Mailbox: Sendable {
    enum Message {
        /// A part of a task that prefers the reactor.
        case job(UnownedJob)
        case call((Reactor) -> Void)
    }

    // SAFETY: written before it is pushed, read after it is taken.
    private final class Node: @unchecked Sendable {
        let message: Message
        /// The address of the previous node; 0 for none. The stack owns a reference to it.
        var next: UInt = 0

        init(_ message: Message) { self.message = message }
    }

    private let bell: any Bell
    /// The address of the latest message's node; 0 for none, 1 when closed. Each node has the address of the previous
    /// one.
    private let latest = Atomic<UInt>(0)
    private static let closed: UInt = 1

    init(bell: any Bell) { self.bell = bell }

    deinit { close { _ in } }

    /// - Returns: false when the mailbox is closed. The caller then sees everything that the reactor did before
    ///   closing it.
    @discardableResult
    func post(_ message: Message) -> Bool {
        let node = Node(message)
        let address = unsafe UInt(bitPattern: Unmanaged.passRetained(node).toOpaque())
        var before = latest.load(ordering: .acquiring)
        while true {
            guard before != Self.closed else {
                unsafe Unmanaged.passUnretained(node).release()
                return false
            }
            node.next = before
            let (isExchanged, original) = latest.weakCompareExchange(
                expected: before, desired: address, successOrdering: .releasing, failureOrdering: .acquiring)
            if isExchanged { break }
            before = original
        }
        if before == 0 { bell.ring() }
        return true
    }

    /// Gives every message to `body`, the oldest first.
    func take(_ body: (Message) -> Void) { take(from: latest.exchange(0, ordering: .acquiring), body) }

    /// The same, and closes the mailbox.
    func close(_ body: (Message) -> Void) {
        take(from: latest.exchange(Self.closed, ordering: .acquiringAndReleasing), body)
    }

    private func take(from latest: UInt, _ body: (Message) -> Void) {
        var address = latest == Self.closed ? 0 : latest
        var messages: [Message] = []
        while let pointer = unsafe UnsafeRawPointer(bitPattern: address) {
            // SAFETY: `post` left a reference; all were taken at once, so no other thread has them.
            let node = unsafe Unmanaged<Node>.fromOpaque(pointer).takeRetainedValue()
            messages.append(node.message)
            address = node.next
        }
        for message in messages.reversed() { body(message) }
    }
}

/// A bell for a ring: an event counter that the ring polls.
final class EventBell: Bell {
    /// What the ring polls for input.
    let descriptor: Int32

    init() throws(ReactorError) {
        descriptor = zeropool_event_counter()
        guard descriptor >= 0 else { throw .system("eventfd", errno: errno) }
    }

    deinit { _ = close(descriptor) }

    func ring() {
        var one: UInt64 = 1
        // It fails only when the counter is full, and then the bell has been rung.
        unsafe _ = write(descriptor, &one, 8)
    }

    /// Resets the counter. Called on the reactor's thread, before the mailbox is taken.
    func silence() {
        var count: UInt64 = 0
        unsafe _ = read(descriptor, &count, 8)
    }
}

/// The parts of tasks that are ready to run, in order. Cost: constant; it grows by doubling.
@safe
struct JobQueue: ~Copyable {
    private var jobs: UnsafeMutablePointer<UnownedJob>
    private var capacity = 64
    private var first = 0
    private(set) var count = 0

    init() { unsafe jobs = .allocate(capacity: 64) }

    deinit { unsafe jobs.deallocate() }

    @inline(__always)
    mutating func append(_ job: UnownedJob) {
        if count == capacity { grow() }
        unsafe (jobs + (first &+ count) & (capacity &- 1)).initialize(to: job)
        count &+= 1
    }

    @inline(__always)
    mutating func popFirst() -> UnownedJob? {
        guard count > 0 else { return nil }
        let job = unsafe jobs[first]
        first = (first &+ 1) & (capacity &- 1)
        count &-= 1
        return job
    }

    @inline(never)
    private mutating func grow() {
        let larger = UnsafeMutablePointer<UnownedJob>.allocate(capacity: capacity * 2)
        for index in 0..<count {
            unsafe (larger + index).initialize(to: jobs[(first + index) & (capacity - 1)])
        }
        unsafe jobs.deallocate()
        unsafe jobs = larger
        (first, capacity) = (0, capacity * 2)
    }
}
