/// Connections that wait for buffers, the longest waiting first. Each is in it at most once.
///
/// Linked by connection number, in a table of eight bytes a number. Cost: constant.
@safe
struct WaitingLine: ~Copyable {
    /// Numbers plus one; 0 for none.
    private struct Link {
        var next: UInt32 = 0
        var previous: UInt32 = 0
    }

    private let links: UnsafeMutablePointer<Link>
    private let capacity: Int
    private var first: UInt32 = 0
    private var last: UInt32 = 0
    private(set) var count = 0

    var isEmpty: Bool { first == 0 }

    /// For connections numbered below `capacity`.
    init(capacity: Int) {
        self.capacity = capacity
        unsafe links = .allocate(capacity: capacity)
        unsafe links.initialize(repeating: Link(), count: capacity)
    }

    deinit { unsafe links.deallocate() }

    /// Adds a connection that is not in it, at the end.
    mutating func append(_ number: ConnectionNumber) {
        assert(unsafe links[Int(number)].previous == 0 && first != number + 1, "a connection waits once")
        unsafe links[Int(number)] = Link(next: 0, previous: last)
        if last == 0 { first = number + 1 } else { unsafe links[Int(last - 1)].next = number + 1 }
        last = number + 1
        count += 1
    }

    /// Takes out the one that has waited longest.
    mutating func popFirst() -> ConnectionNumber? {
        guard first != 0 else { return nil }
        let number = first - 1
        remove(number)
        return number
    }

    /// Takes out a connection that is in it.
    mutating func remove(_ number: ConnectionNumber) {
        let link = unsafe links[Int(number)]
        assert(link.previous != 0 || first == number + 1, "only who waits stops waiting")
        if link.previous == 0 { first = link.next } else { unsafe links[Int(link.previous - 1)].next = link.next }
        if link.next == 0 { last = link.previous } else { unsafe links[Int(link.next - 1)].previous = link.previous }
        unsafe links[Int(number)] = Link()
        count -= 1
    }
}

/// Tasks that wait for a buffer, the longest waiting first. Short, and empty most of the time.
struct BufferLine {
    private var entries: [(token: OperationToken, least: Int)] = []

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }
    var first: (token: OperationToken, least: Int)? { entries.first }

    mutating func append(_ token: OperationToken, least: Int) { entries.append((token, least)) }

    mutating func removeFirst() { entries.removeFirst() }

    /// Takes out one that may have been served already.
    mutating func remove(_ token: OperationToken) {
        if let index = entries.firstIndex(where: { $0.token == token }) { entries.remove(at: index) }
    }
}
