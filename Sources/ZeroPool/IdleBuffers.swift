/// A shard's idle buffers: what came home and waits for the next get, by class.
///
/// Guarded by the shard's lock. Each class is a list linked both ways through its descriptors: gets take the newest, whose
/// memory the processor's cache may still have; what leaves is looked for from the oldest. Invariants:
/// - `byteCount` is the sum over the lists;
/// - a list's buffers are of its class, and its `count` is their number.
@safe
struct IdleBuffers {
    @safe
    private struct List {
        var newest: DescriptorPointer?
        var oldest: DescriptorPointer?
        var count = 0
    }

    private let minimumShift: Int
    private let maximumCountPerClass: Int
    private let maximumByteCount: Int
    private var lists: [List]
    private(set) var byteCount = 0

    init(_ configuration: BufferPool.Configuration) {
        minimumShift = configuration.minimumShift
        maximumCountPerClass = configuration.maxBuffersPerShard
        maximumByteCount = configuration.idleByteLimitPerShard
        lists = Array(repeating: List(), count: configuration.classCount)
    }

    /// How many buffers of the class of `shift` are idle.
    func count(shift: Int) -> Int { lists[shift - minimumShift].count }

    /// How many buffers are idle in all.
    var count: Int { lists.reduce(0) { $0 + $1.count } }

    /// The newest of the class, or nil.
    mutating func take(shift: Int) -> DescriptorPointer? {
        guard let descriptor = unsafe lists[shift - minimumShift].newest else { return nil }
        unsafe remove(descriptor)
        return unsafe descriptor
    }

    /// Keeps a buffer that came home; what has to leave for it, or it itself, comes back.
    mutating func add(_ descriptor: DescriptorPointer) -> BufferChain {
        var leaving = BufferChain()
        let shift = unsafe Int(descriptor.pointee.shift)
        if count(shift: shift) < maximumCountPerClass, byteCount + 1 << shift <= maximumByteCount {
            unsafe insert(descriptor)
        } else {
            // Last in, first out of the pool: what stays is what was there.
            unsafe leaving.push(descriptor)
        }
        return leaving
    }

    /// Takes out all, of every class.
    mutating func removeAll() -> BufferChain {
        var leaving = BufferChain()
        for list in lists.indices {
            while let descriptor = unsafe take(shift: minimumShift + list) { unsafe leaving.push(descriptor) }
        }
        return leaving
    }

    private mutating func insert(_ descriptor: DescriptorPointer) {
        let shift = unsafe Int(descriptor.pointee.shift)
        let list = shift - minimumShift
        let newest = unsafe lists[list].newest
        guard unsafe !descriptor.pointee.isIdle else { fatalError("ZeroPool: a buffer was returned twice") }
        unsafe descriptor.pointee.isIdle = true
        unsafe descriptor.pointee.previous = nil
        unsafe descriptor.pointee.next = unsafe newest
        unsafe newest?.pointee.previous = unsafe descriptor
        unsafe lists[list].newest = unsafe descriptor
        if unsafe newest == nil { unsafe lists[list].oldest = unsafe descriptor }
        lists[list].count += 1
        byteCount += 1 << shift
    }

    private mutating func remove(_ descriptor: DescriptorPointer) {
        let shift = unsafe Int(descriptor.pointee.shift)
        let list = shift - minimumShift
        unsafe descriptor.pointee.isIdle = false
        let (newer, older) = unsafe (descriptor.pointee.previous, descriptor.pointee.next)
        if let newer = unsafe newer {
            unsafe newer.pointee.next = unsafe older
        } else {
            unsafe lists[list].newest = unsafe older
        }
        if let older = unsafe older {
            unsafe older.pointee.previous = unsafe newer
        } else {
            unsafe lists[list].oldest = unsafe newer
        }
        lists[list].count -= 1
        byteCount -= 1 << shift
    }
}
