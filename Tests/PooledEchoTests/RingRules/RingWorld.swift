import ZeroPool
import ZeroPoolURing

@testable import PooledEcho

/// A ring with a listener, and the network before it: the kernel's, or the simulated one. What a rule says must hold on both.
///
/// Where they disagree, the kernel is right.
protocol RingWorld: AnyObject {
    var ring: any ReactorRing { get }
    /// Where the ring's buffers come from; it keeps nothing in caches, so that buffers that are back are there at once.
    var pool: BufferPool { get }
    /// Which rule of `ReactorRing` was broken, where somebody looks after that.
    var violation: String? { get }

    /// A new file of that name, in place of what it was.
    func put(_ path: String, _ kind: FileStatus.Kind, byteCount: Int)
    /// The file of that name gets other bytes, in place.
    func rewrite(_ path: String, byteCount: Int)
    func remove(_ path: String)
    /// What the file of that name holds now.
    func content(of path: String) -> [UInt8]

    /// A peer connects, from an address whose last byte can be chosen.
    func connect(from address: UInt8) throws -> any RingPeer
    /// The address that peers have who connect from there.
    func address(_ address: UInt8) -> PeerAddress
    /// Raises the stop signal, as another thread does.
    func raiseStopSignal()
    /// Lets go of a ring that was closed. No use of it may follow.
    func dropRing()
    /// Lets go of a ring that was abandoned, which stays. No use of it may follow.
    func keepAbandonedRing()
}
