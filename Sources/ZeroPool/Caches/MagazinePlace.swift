public import CZeroPool
public import Synchronization

/// Where every thread has its magazine of one class of one pool: the thread's slot for the pool, and the place in the cache
/// that hangs there.
///
/// It names no thread and points nowhere, so it may be kept and used anywhere: a thread without a cache of the pool finds
/// the empty cache there, and a thread with a cache of a later pool finds magazines with another `homeTag`.
@usableFromInline
struct MagazinePlace: Sendable {
    /// The slot's distance from the thread pointer.
    @usableFromInline let slotOffset: Int32
    /// The magazine's distance from the start of the cache.
    @usableFromInline let magazineOffset: UInt32

    @inlinable @inline(__always)
    init(slotOffset: Int32, magazineOffset: UInt32) {
        self.slotOffset = slotOffset
        self.magazineOffset = magazineOffset
    }

    /// The calling thread's magazine there.
    @usableFromInline
    var magazine: MagazinePointer {
        @inlinable @inline(__always)
        get {
            unsafe (zeropool_load(Int64(slotOffset)) + Int(magazineOffset)).assumingMemoryBound(to: Magazine.self)
        }
    }

    /// The same, in a register of its own: see `zeropool_load_anew`.
    @usableFromInline
    var magazineAnew: MagazinePointer {
        @inlinable @inline(__always)
        get {
            unsafe (zeropool_load_anew(Int64(slotOffset)) + Int(magazineOffset)).assumingMemoryBound(to: Magazine.self)
        }
    }

    /// The buffer last returned to the calling thread's magazine here, counted as a get; nil when it is empty.
    @inlinable @inline(__always)
    func pop() -> UnsafeMutablePointer<BufferDescriptor>? {
        let magazine = unsafe magazine
        let hot = unsafe magazine.pointee.hot.load(ordering: .relaxed)
        guard _fastPath(hot != 0) else {
            let magazine = unsafe magazineAnew
            guard let descriptor = unsafe magazine.popFromSlots() else { return nil }
            unsafe magazine.countHit()
            return unsafe descriptor
        }
        unsafe magazine.pointee.hot.store(0, ordering: .relaxed)
        unsafe magazine.countHit()
        return unsafe UnsafeMutablePointer<BufferDescriptor>(bitPattern: hot)
    }

    /// Adds a buffer to the calling thread's magazine here, if that is its home; false when it is not, or the magazine is full.
    @inlinable @inline(__always)
    func push(_ descriptor: UnsafeMutablePointer<BufferDescriptor>) -> Bool {
        let magazine = unsafe magazine
        guard unsafe magazine.pointee.homeTag.load(ordering: .relaxed) == descriptor.pointee.homeTag else {
            return false
        }
        let hot = unsafe magazine.pointee.hot.load(ordering: .relaxed)
        guard _fastPath(hot == 0) else { return unsafe magazineAnew.push(descriptor, before: hot) }
        unsafe magazine.pointee.hot.store(UInt(bitPattern: descriptor), ordering: .relaxed)
        return true
    }
}
