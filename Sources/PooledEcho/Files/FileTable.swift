import HTTP1

/// The files that a reactor has open, and what it knows of paths: those that responses use, and some of the others, which
/// the next request finds without the kernel.
///
/// A file is *listed* for at most so many ticks, then found no more: so nothing that is told of a path is older. One that is
/// in use stays open until its last use ends, listed or not. Of the listed ones the longest unused go first.
///
/// Not Sendable: a reactor's own. Cost: constant for what is found; a copy of the path for what is not.
@safe
struct FileTable: ~Copyable {
    /// A place in the table, good from the use's begin to its end.
    typealias Index = UInt32

    /// What is told apart: the same path may be asked for as a file and as a listing.
    enum Aspect: UInt8 {
        case file
        /// The file past the page cache.
        case direct
        case htmlListing
        case jsonListing
    }

    private struct Node {
        var path: [UInt8] = []
        var aspect = Aspect.file
        var hash = 0
        var file = OpenFile(errno: 0)
        var useCount = 0
        var isListed = false
        /// The tick at which it was opened.
        var tick = 0
        /// In the bucket; in the free list.
        var next = FileTable.none
        /// In the order of use.
        var newer = FileTable.none
        var older = FileTable.none
    }

    fileprivate static let none = UInt32.max

    /// As many paths as are listed at most.
    let capacity: Int
    /// For so many ticks a path is listed; 0: not at all.
    let lifeTicks: Int
    private var nodes: [Node] = []
    private var firstFree = FileTable.none
    private var buckets: [UInt32]
    private var newest = FileTable.none
    private var oldest = FileTable.none
    private(set) var listedCount = 0
    /// Ticks since the beginning.
    private(set) var tick = 0
    /// Nobody outside can choose paths that meet in a bucket.
    private let seed = UInt64.random(in: 0 ... .max) | 1

    init(capacity: Int, lifeTicks: Int) {
        self.capacity = capacity
        self.lifeTicks = capacity > 0 ? lifeTicks : 0
        var bucketCount = 16
        while bucketCount < 2 * capacity { bucketCount *= 2 }
        buckets = Array(repeating: FileTable.none, count: bucketCount)
    }

    /// A tick has passed: what is too old is listed no more, so that nothing is kept open that nobody finds.
    mutating func advanceTick(close: (Int32) -> Void) {
        tick += 1
        for index in nodes.indices where nodes[index].isListed && tick - nodes[index].tick >= lifeTicks {
            unlist(Index(index), close)
        }
    }

    subscript(index: Index) -> OpenFile { nodes[Int(index)].file }

    // MARK: Uses

    /// A use of the listed file of a path; nil when there is none.
    mutating func find(_ path: RawSpan, _ aspect: Aspect) -> Index? {
        guard lifeTicks > 0 else { return nil }
        let hash = hash(path, aspect)
        var index = buckets[hash & (buckets.count - 1)]
        while index != FileTable.none {
            if nodes[Int(index)].hash == hash, matches(index, path, aspect) { break }
            index = nodes[Int(index)].next
        }
        guard index != FileTable.none else { return nil }
        if newest != index {
            leaveOrder(index)
            joinOrder(index)
        }
        nodes[Int(index)].useCount += 1
        return index
    }

    /// Adds what was opened now, in use. It is listed in place of what the path had, unless it `isPassing`. `close` takes a
    /// descriptor that goes, here and below.
    mutating func add(
        _ file: OpenFile, path: RawSpan, _ aspect: Aspect, isPassing: Bool, close: (Int32) -> Void
    ) -> Index {
        let index = takeFree()
        nodes[Int(index)].file = file
        nodes[Int(index)].useCount = 1
        guard lifeTicks > 0, !isPassing else { return index }
        if let former = find(path, aspect) {
            unlist(former, close)
            end(former, close: close)
        }
        if listedCount == capacity { unlist(oldest, close) }
        nodes[Int(index)].path = unsafe path.withUnsafeBytes { unsafe Array($0) }
        nodes[Int(index)].aspect = aspect
        nodes[Int(index)].hash = hash(path, aspect)
        nodes[Int(index)].tick = tick
        nodes[Int(index)].isListed = true
        let bucket = nodes[Int(index)].hash & (buckets.count - 1)
        nodes[Int(index)].next = buckets[bucket]
        buckets[bucket] = index
        listedCount += 1
        joinOrder(index)
        return index
    }

    /// A use ends.
    mutating func end(_ index: Index, close: (Int32) -> Void) {
        nodes[Int(index)].useCount -= 1
        if nodes[Int(index)].useCount == 0, !nodes[Int(index)].isListed { remove(index, close) }
    }

    /// The file is not what it was told to be: nobody finds it any more.
    mutating func unlistIfListed(_ index: Index, close: (Int32) -> Void) {
        if nodes[Int(index)].isListed { unlist(index, close) }
    }

    /// Nothing is listed any more; what is in use stays open until that ends.
    mutating func unlistAll(close: (Int32) -> Void) {
        while oldest != FileTable.none { unlist(oldest, close) }
    }

    // MARK: Lists

    private mutating func unlist(_ index: Index, _ close: (Int32) -> Void) {
        let bucket = nodes[Int(index)].hash & (buckets.count - 1)
        if buckets[bucket] == index {
            buckets[bucket] = nodes[Int(index)].next
        } else {
            var before = buckets[bucket]
            while nodes[Int(before)].next != index { before = nodes[Int(before)].next }
            nodes[Int(before)].next = nodes[Int(index)].next
        }
        leaveOrder(index)
        nodes[Int(index)].isListed = false
        listedCount -= 1
        if nodes[Int(index)].useCount == 0 { remove(index, close) }
    }

    private mutating func remove(_ index: Index, _ close: (Int32) -> Void) {
        let descriptor = nodes[Int(index)].file.descriptor
        if descriptor >= 0 { close(descriptor) }
        nodes[Int(index)] = Node()
        nodes[Int(index)].next = firstFree
        firstFree = index
    }

    private mutating func takeFree() -> Index {
        guard firstFree != FileTable.none else {
            nodes.append(Node())
            return Index(nodes.count - 1)
        }
        let index = firstFree
        firstFree = nodes[Int(index)].next
        nodes[Int(index)].next = FileTable.none
        return index
    }

    private mutating func joinOrder(_ index: Index) {
        nodes[Int(index)].older = newest
        nodes[Int(index)].newer = FileTable.none
        if newest == FileTable.none { oldest = index } else { nodes[Int(newest)].newer = index }
        newest = index
    }

    private mutating func leaveOrder(_ index: Index) {
        let (newer, older) = (nodes[Int(index)].newer, nodes[Int(index)].older)
        if newer == FileTable.none { newest = older } else { nodes[Int(newer)].older = older }
        if older == FileTable.none { oldest = newer } else { nodes[Int(older)].newer = newer }
    }

    // MARK: Paths

    private func matches(_ index: Index, _ path: RawSpan, _ aspect: Aspect) -> Bool {
        guard nodes[Int(index)].aspect == aspect, nodes[Int(index)].path.count == path.byteCount else { return false }
        return unsafe path.withUnsafeBytes { bytes in
            unsafe nodes[Int(index)].path.withUnsafeBytes { own in unsafe own.elementsEqual(bytes) }
        }
    }

    /// Eight bytes a step, multiplied and folded.
    private func hash(_ path: RawSpan, _ aspect: Aspect) -> Int {
        var value = seed ^ UInt64(path.byteCount) &* 0x9e37_79b9_7f4a_7c15 ^ UInt64(aspect.rawValue)
        func mix(_ word: UInt64) {
            let product = (value ^ word).multipliedFullWidth(by: seed)
            value = product.high ^ product.low &+ 0x2545_f491_4f6c_dd1d
        }
        var offset = 0
        while offset + 8 <= path.byteCount {
            mix(unsafe path.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
            offset += 8
        }
        var rest: UInt64 = 0
        while offset < path.byteCount {
            rest = unsafe rest << 8 | UInt64(path.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
            offset += 1
        }
        mix(rest)
        return Int(truncatingIfNeeded: value ^ value >> 32) & .max
    }
}
