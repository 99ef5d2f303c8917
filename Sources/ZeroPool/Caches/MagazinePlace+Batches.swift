import CZeroPool
import Synchronization

/// How a batch moves between a thread's cache and its shard: the shortest way, for when there is nothing else to do.
///
/// A burst of gets comes by here once in half a magazine. So it counts no references: a thread's cache keeps its pool's core,
/// and with it the shards, and only its thread ends it.
extension MagazinePlace {
    /// Fills the calling thread's magazine here, which is empty, from the thread's shard, and takes a buffer of it. The pool
    /// that made this place is alive.
    ///
    /// Nil when the thread has no cache yet, or the cache none of the class; when it has been called to do something else
    /// first; and when the shard has none idle of the class.
    func refill() -> DescriptorPointer? {
        let magazine = unsafe magazine
        let homeTag = unsafe magazine.pointee.homeTag.load(ordering: .relaxed)
        guard homeTag != 0, unsafe !cache.isCalled else { return nil }
        return unsafe cache.header.pointee.home._withUnsafeGuaranteedRef {
            unsafe $0.takeBatch(shift: Magazine.shift(ofHomeTag: homeTag), into: magazine)
        }
    }

    /// Takes a buffer into the calling thread's magazine here, half of which goes home for it if it is full.
    ///
    /// False when this is not its home, and when the cache has been called to do something else first.
    func makeRoomAndPush(_ descriptor: DescriptorPointer) -> Bool {
        let magazine = unsafe magazine
        let homeTag = unsafe magazine.pointee.homeTag.load(ordering: .relaxed)
        guard unsafe homeTag == descriptor.pointee.homeTag, unsafe !cache.isCalled else { return false }
        if unsafe magazine.push(descriptor) { return true }
        unsafe cache.header.pointee.home._withUnsafeGuaranteedRef { home in
            unsafe cache.spill(
                shift: Magazine.shift(ofHomeTag: homeTag), to: home, keeping: magazine.capacity / 2)
        }
        return unsafe magazine.push(descriptor)
    }

    /// The cache that the magazine is part of; the empty one where its tag is 0.
    private var cache: ThreadCache { unsafe ThreadCache(address: zeropool_load(Int64(slotOffset))) }
}
