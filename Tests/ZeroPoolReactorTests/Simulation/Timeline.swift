/// What is to happen later in virtual time: a binary heap. What is due at one time happens in the order in which it was
/// noted, so that a run replays.
struct Timeline {
    private struct Entry {
        var time: Int
        var order: Int
        var action: () -> Void

        func isBefore(_ other: Entry) -> Bool { (time, order) < (other.time, other.order) }
    }

    private var heap: [Entry] = []
    private var count = 0

    /// When the next action is due, in microseconds; nil when there is none.
    var nextTime: Int? { heap.first?.time }

    mutating func add(at time: Int, _ action: @escaping () -> Void) {
        heap.append(Entry(time: time, order: count, action: action))
        count += 1
        var child = heap.count - 1
        while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Takes out the next action that is due at `time`.
    mutating func popDue(at time: Int) -> (() -> Void)? {
        guard let first = heap.first, first.time <= time else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].isBefore(heap[least])
            {
                least = child
            }
            guard least != parent else { return first.action }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    mutating func removeAll() { heap = [] }
}

/// Counts attempts between two signs of progress: something moved, or time passed.
struct SpinGuard {
    private let microseconds: Int
    private var start = 0
    private var attempts = 0

    init(microseconds: Int) { self.microseconds = microseconds }

    /// - Returns: attempts since the last progress, this one included.
    mutating func count(now: Int) -> Int {
        if now - start >= microseconds { progress(now: now) }
        attempts += 1
        return attempts
    }

    mutating func progress(now: Int) {
        start = now
        attempts = 0
    }
}
