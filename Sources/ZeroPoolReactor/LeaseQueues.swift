import ZeroPool

/// The queues of all connections of a reactor, in one table, so that an idle connection needs no memory for a queue.
///
/// Nodes are linked by index; a queue is its first and last node. Not Sendable: it belongs to one reactor. Cost:
/// constant; the table grows by doubling and never shrinks.
@safe
struct LeaseQueues: ~Copyable {
    /// One connection's queue.
    struct Queue {
        fileprivate var first = LeaseQueues.none
        fileprivate var last = LeaseQueues.none

        var isEmpty: Bool { first == LeaseQueues.none }
    }

    private struct Node: ~Copyable {
        var lease: PooledBuffer?
        var next: UInt32
    }

    fileprivate static let none = UInt32.max

    private var nodes: UnsafeMutablePointer<Node>
    private var capacity: Int
    private var firstFree: UInt32
    /// Leases in all queues.
    private(set) var count = 0

    init(capacity: Int = 256) {
        unsafe nodes = UnsafeMutablePointer<Node>.allocate(capacity: capacity)
        self.capacity = capacity
        firstFree = LeaseQueues.none
        addFree(0..<capacity)
    }

    deinit {
        for index in 0..<capacity { unsafe (nodes + index).deinitialize(count: 1) }
        unsafe nodes.deallocate()
    }

    /// Adds a lease at the end.
    mutating func push(_ lease: consuming PooledBuffer, to queue: inout Queue) {
        if firstFree == LeaseQueues.none { grow() }
        let index = firstFree
        firstFree = unsafe nodes[Int(index)].next
        unsafe nodes[Int(index)].lease = consume lease
        unsafe nodes[Int(index)].next = LeaseQueues.none
        if queue.isEmpty { queue.first = index } else { unsafe nodes[Int(queue.last)].next = index }
        queue.last = index
        count += 1
    }

    /// Puts a lease back in front of the others.
    mutating func pushFirst(_ lease: consuming PooledBuffer, to queue: inout Queue) {
        let (oldFirst, oldLast) = (queue.first, queue.last)
        queue = Queue()
        push(lease, to: &queue)
        guard oldFirst != LeaseQueues.none else { return }
        unsafe nodes[Int(queue.first)].next = oldFirst
        queue.last = oldLast
    }

    /// Takes the first lease, if there is one.
    mutating func pop(from queue: inout Queue) -> PooledBuffer? {
        guard !queue.isEmpty else { return nil }
        let index = queue.first
        queue.first = unsafe nodes[Int(index)].next
        if queue.isEmpty { queue.last = LeaseQueues.none }
        unsafe nodes[Int(index)].next = firstFree
        firstFree = index
        count -= 1
        return unsafe nodes[Int(index)].lease.take()
    }

    /// Returns every lease of the queue to its pool.
    mutating func removeAll(from queue: Queue) {
        var queue = queue
        while let lease = pop(from: &queue) { _ = consume lease }
    }

    private mutating func grow() {
        let old = unsafe nodes
        unsafe nodes = UnsafeMutablePointer<Node>.allocate(capacity: capacity * 2)
        unsafe nodes.moveInitialize(from: old, count: capacity)
        unsafe old.deallocate()
        let added = capacity..<capacity * 2
        capacity *= 2
        addFree(added)
    }

    private mutating func addFree(_ indices: Range<Int>) {
        for index in indices.reversed() {
            unsafe (nodes + index).initialize(to: Node(lease: nil, next: firstFree))
            firstFree = UInt32(index)
        }
    }
}
