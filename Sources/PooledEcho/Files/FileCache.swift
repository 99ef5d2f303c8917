import Glibc
import HTTP1
import ZeroPool
import ZeroPoolReactor

/// The files that a reactor has open, and what it knows of paths. It has the files that responses use, and others
/// that the next request finds without asking the kernel.
///
/// A file is evicted after a number of ticks, so nothing that is known of a path is older. A file in use stays open
/// until its last use ends, cached or not. The least recently used files are evicted first.
///
/// A cached file may have a whole response, which is sent again unchanged: sends share the memory of one lease.
///
/// Not Sendable: each reactor has its own. Cost: constant for a hit; a copy of the path for a miss.
@safe
struct FileCache: ~Copyable {
    /// An entry, valid from the beginning of a use to its end.
    typealias Index = UInt32

    /// What a request wants of a path: the same path may be requested as a file and as a listing.
    enum Aspect: UInt8 {
        case file
        /// The file, opened for reads past the page cache.
        case direct
        case htmlListing
        case jsonListing
    }

    private struct Node: ~Copyable {
        var path: [UInt8] = []
        var aspect = Aspect.file
        var hash = 0
        var file = OpenFile(errno: 0)
        var useCount = 0
        var isCached = false
        /// Whether a second request found it.
        var isWanted = false
        /// A response with the whole file.
        var response: SharedBuffer?
        /// The tick at which it was opened.
        var tick = 0
        /// The next node of the bucket, or of the free list.
        var next = FileCache.none
        /// The neighbours in the order of use.
        var newer = FileCache.none
        var older = FileCache.none

        var hasResponse: Bool {
            switch response {
            case .some: true
            case .none: false
            }
        }

        func share() -> PooledBuffer? {
            switch response {
            case .some(let response): response.share()
            case .none: nil
            }
        }
    }

    fileprivate static let none = UInt32.max

    /// Maximum number of cached paths.
    let capacity: Int
    /// How many ticks a path is cached; 0 for not at all.
    let lifeTicks: Int
    private var nodes: UnsafeMutablePointer<Node>
    private var nodeCount = 0
    private var nodeCapacity = 64
    private var firstFree = FileCache.none
    private var buckets: [UInt32]
    private var newest = FileCache.none
    private var oldest = FileCache.none
    private(set) var cachedCount = 0
    /// Maximum bytes of cached responses, and the bytes that they take.
    let maxKeptByteCount: Int
    private(set) var keptByteCount = 0
    /// Ticks since the beginning.
    private(set) var tick = 0
    /// Random, so that no client can choose paths that share a bucket.
    private let seed = UInt64.random(in: 0 ... .max) | 1

    init(capacity: Int, lifeTicks: Int, maxKeptByteCount: Int = 0) {
        self.capacity = capacity
        self.maxKeptByteCount = maxKeptByteCount
        unsafe nodes = .allocate(capacity: nodeCapacity)
        self.lifeTicks = capacity > 0 ? lifeTicks : 0
        var bucketCount = 16
        while bucketCount < 2 * capacity { bucketCount *= 2 }
        buckets = Array(repeating: FileCache.none, count: bucketCount)
    }

    deinit {
        unsafe nodes.deinitialize(count: nodeCount)
        unsafe nodes.deallocate()
    }

    /// Counts a tick and evicts what is too old, so that no file stays open that no request can find.
    mutating func advanceTick() {
        tick += 1
        for index in 0..<nodeCount where unsafe nodes[index].isCached && tick - nodes[index].tick >= lifeTicks {
            removeFromCache(Index(index))
        }
    }

    subscript(index: Index) -> OpenFile { unsafe nodes[Int(index)].file }

    // MARK: Uses

    /// Begins a use of the cached file of a path; nil when there is none.
    mutating func find(_ path: RawSpan, _ aspect: Aspect) -> Index? {
        guard lifeTicks > 0 else { return nil }
        let index = lookUp(path, aspect)
        guard index != FileCache.none else { return nil }
        if newest != index {
            leaveOrder(index)
            joinOrder(index)
        }
        unsafe nodes[Int(index)].useCount += 1
        unsafe nodes[Int(index)].isWanted = true
        return index
    }

    /// Entries in use. For the check at the end.
    var usedCount: Int { (0..<nodeCount).count { unsafe nodes[$0].useCount > 0 } }

    /// Whether a path is cached. Begins no use.
    func isCached(_ path: RawSpan, _ aspect: Aspect) -> Bool { lookUp(path, aspect) != FileCache.none }

    /// Adds a file that was just opened, and begins a use of it. Caches it in place of the path's earlier entry,
    /// unless `isPassing` is set.
    mutating func add(_ file: OpenFile, path: RawSpan, _ aspect: Aspect, isPassing: Bool) -> Index {
        let index = takeFree()
        unsafe nodes[Int(index)].file = file
        unsafe nodes[Int(index)].useCount = 1
        guard lifeTicks > 0, !isPassing else { return index }
        if let former = find(path, aspect) {
            removeFromCache(former)
            end(former)
        }
        if cachedCount == capacity { removeFromCache(oldest) }
        unsafe nodes[Int(index)].path = unsafe path.withUnsafeBytes { unsafe Array($0) }
        unsafe nodes[Int(index)].aspect = aspect
        unsafe nodes[Int(index)].hash = hash(path, aspect)
        unsafe nodes[Int(index)].tick = tick
        unsafe nodes[Int(index)].isCached = true
        let bucket = unsafe nodes[Int(index)].hash & (buckets.count - 1)
        unsafe nodes[Int(index)].next = buckets[bucket]
        buckets[bucket] = index
        cachedCount += 1
        joinOrder(index)
        return index
    }

    /// Ends a use.
    mutating func end(_ index: Index) {
        unsafe nodes[Int(index)].useCount -= 1
        if unsafe nodes[Int(index)].useCount == 0, unsafe !nodes[Int(index)].isCached { remove(index) }
    }

    /// Evicts a file that is no longer what its entry says, so that no request finds it.
    mutating func evict(_ index: Index) {
        if unsafe nodes[Int(index)].isCached { removeFromCache(index) }
    }

    /// Evicts everything. A file in use stays open until its last use ends.
    mutating func evictAll() {
        while oldest != FileCache.none { removeFromCache(oldest) }
    }

    // MARK: Responses

    /// Whether a response is kept with a file.
    func hasResponse(_ index: Index) -> Bool { unsafe nodes[Int(index)].hasResponse }

    /// The response that is kept with a file, to be sent again; nil when there is none.
    func response(_ index: Index) -> PooledBuffer? { unsafe nodes[Int(index)].share() }

    /// Whether a response of this size may be kept: the file was asked for twice, none is kept yet, and there is room.
    func mayKeep(_ index: Index, byteCount: Int) -> Bool {
        unsafe nodes[Int(index)].isCached && nodes[Int(index)].isWanted && !nodes[Int(index)].hasResponse
            && keptByteCount + byteCount <= maxKeptByteCount
    }

    /// Keeps a whole response, if it may be kept. - Returns: what to send now.
    mutating func keep(_ response: consuming PooledBuffer, with index: Index) -> PooledBuffer {
        // Another request may have cached one meanwhile.
        guard mayKeep(index, byteCount: response.capacity) else { return response }
        let kept = SharedBuffer(response)
        let share = kept.share()
        keptByteCount += kept.capacity
        unsafe nodes[Int(index)].response = consume kept
        return share
    }

    private mutating func forgetResponse(_ index: Index) {
        guard let response = unsafe nodes[Int(index)].response.take() else { return }
        keptByteCount -= response.capacity
    }

    /// Drops all kept responses.
    mutating func forgetResponses() {
        guard keptByteCount > 0 else { return }
        for index in 0..<nodeCount { forgetResponse(Index(index)) }
    }

    // MARK: Eviction

    private mutating func removeFromCache(_ index: Index) {
        let bucket = unsafe nodes[Int(index)].hash & (buckets.count - 1)
        if buckets[bucket] == index {
            buckets[bucket] = unsafe nodes[Int(index)].next
        } else {
            var before = buckets[bucket]
            while unsafe nodes[Int(before)].next != index { before = unsafe nodes[Int(before)].next }
            unsafe nodes[Int(before)].next = nodes[Int(index)].next
        }
        leaveOrder(index)
        unsafe nodes[Int(index)].isCached = false
        cachedCount -= 1
        forgetResponse(index)
        if unsafe nodes[Int(index)].useCount == 0 { remove(index) }
    }

    private mutating func remove(_ index: Index) {
        unsafe nodes[Int(index)] = Node()
        unsafe nodes[Int(index)].next = firstFree
        firstFree = index
    }

    private mutating func takeFree() -> Index {
        guard firstFree != FileCache.none else {
            if nodeCount == nodeCapacity { grow() }
            unsafe (nodes + nodeCount).initialize(to: Node())
            nodeCount += 1
            return Index(nodeCount - 1)
        }
        let index = firstFree
        firstFree = unsafe nodes[Int(index)].next
        unsafe nodes[Int(index)].next = FileCache.none
        return index
    }

    @inline(never)
    private mutating func grow() {
        nodeCapacity *= 2
        let grown = UnsafeMutablePointer<Node>.allocate(capacity: nodeCapacity)
        unsafe grown.moveInitialize(from: nodes, count: nodeCount)
        unsafe nodes.deallocate()
        unsafe nodes = grown
    }

    private mutating func joinOrder(_ index: Index) {
        unsafe nodes[Int(index)].older = newest
        unsafe nodes[Int(index)].newer = FileCache.none
        if newest == FileCache.none { oldest = index } else { unsafe nodes[Int(newest)].newer = index }
        newest = index
    }

    private mutating func leaveOrder(_ index: Index) {
        let (newer, older) = unsafe (nodes[Int(index)].newer, nodes[Int(index)].older)
        if newer == FileCache.none { newest = older } else { unsafe nodes[Int(newer)].older = older }
        if older == FileCache.none { oldest = newer } else { unsafe nodes[Int(older)].newer = newer }
    }

    // MARK: Paths

    private func lookUp(_ path: RawSpan, _ aspect: Aspect) -> Index {
        let hash = hash(path, aspect)
        var index = buckets[hash & (buckets.count - 1)]
        while index != FileCache.none {
            if unsafe nodes[Int(index)].hash == hash, matches(index, path, aspect) { break }
            index = unsafe nodes[Int(index)].next
        }
        return index
    }

    private func matches(_ index: Index, _ path: RawSpan, _ aspect: Aspect) -> Bool {
        guard unsafe nodes[Int(index)].aspect == aspect, unsafe nodes[Int(index)].path.count == path.byteCount else {
            return false
        }
        return unsafe path.withUnsafeBytes { bytes in
            unsafe nodes[Int(index)].path.withUnsafeBytes { own in unsafe own.elementsEqual(bytes) }
        }
    }

    /// Hashes eight bytes per step, multiplied and folded.
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

/// What a path led to: an open file with everything that a response says about it, or the reason why there is none.
struct OpenFile {
    enum Kind: Equatable {
        case regular
        /// A directory's listing, as a file.
        case listing
        case directory
        /// Not a file that can be served: a device, a pipe or a socket.
        case other
        /// It could not be opened, for the reason `errno`.
        case absent(errno: Int32)
    }

    let kind: Kind
    /// Nil where nothing is open.
    let file: File?
    let status: FileStatus
    let representation: Representation
    let contentType: ContentType

    /// An opened file; `path` gives its content type.
    init(_ file: File, path: RawSpan, listing: ListingFormat?) {
        self.file = file
        status = file.status
        switch (status.kind, listing) {
        case (.regular, nil): kind = .regular
        case (.regular, .some): kind = .listing
        case (.directory, _): kind = .directory
        case (.other, _): kind = .other
        }
        let modified = UInt64(bitPattern: Int64(status.modified.seconds)) &* 1_000_000_000
        representation = Representation(
            length: status.byteCount,
            entityTag: EntityTag(
                status.number, modified &+ UInt64(status.modified.nanoseconds), UInt64(status.byteCount)),
            lastModified: HTTPDate(secondsSinceEpoch: status.modified.seconds))
        switch listing {
        case .html: contentType = .html
        case .json: contentType = .json
        case nil: contentType = ContentType(ofFile: path)
        }
    }

    /// A path that could not be opened.
    init(errno: Int32) {
        let never = FileStatus.Time(seconds: 0)
        kind = .absent(errno: errno)
        file = nil
        status = FileStatus(kind: .other, byteCount: 0, number: 0, modified: never, changed: never)
        representation = Representation(
            length: 0, entityTag: EntityTag(0, 0, 0), lastModified: HTTPDate(secondsSinceEpoch: 0))
        contentType = .octetStream
    }

    /// The status of a response for a path that can't be opened. It does not reveal whether there is something
    /// outside the root.
    static func refusal(errno: Int32) -> ResponseStatus {
        switch errno {
        case ENOENT, ENOTDIR, ELOOP, EXDEV, ENAMETOOLONG, ENXIO, ENODEV, EISDIR, EINVAL: .notFound
        case EACCES, EPERM: .forbidden
        case EMFILE, ENFILE, ENOMEM, EAGAIN, ENOBUFS, EBUSY: .serviceUnavailable
        default: .internalServerError
        }
    }

    /// Whether the error is temporary. It is then not cached, so that the next request tries again.
    static func isPassing(errno: Int32) -> Bool {
        let status = refusal(errno: errno)
        return status == .serviceUnavailable || status == .internalServerError
    }
}
