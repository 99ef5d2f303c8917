@testable import PooledEcho

/// A peer that sends its bytes in pieces, half-closes, and reads to the end.
final class EchoingPeer {
    let peer: KernelPeer
    private var unsentByteCount: Int
    private let byteCount: Int
    private var end: SimulatedPeer.Read?

    init(_ peer: KernelPeer, byteCount: Int) {
        self.peer = peer
        self.byteCount = byteCount
        unsentByteCount = byteCount
    }

    var isDone: Bool { end != nil }
    var isWhole: Bool { end == .endOfStream && peer.readByteCount == byteCount && !peer.hasReadWrongBytes }

    /// Sends a piece and reads what is there. - Returns: how many bytes that are.
    func advance(_ generator: inout SeededGenerator) -> Int {
        guard end == nil else { return 0 }
        var progress = 0
        if unsentByteCount > 0 {
            let count = peer.send(min(unsentByteCount, generator.skewed(1, 16 * 1024))) ?? 0
            unsentByteCount -= count
            progress += count
            if unsentByteCount == 0 { peer.shutdownWrite() }
        }
        switch peer.read(.max) {
        case .bytes(let count): progress += count
        case .nothing: break
        case let end: self.end = end
        }
        return progress
    }
}
