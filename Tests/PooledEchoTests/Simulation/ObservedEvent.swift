import ZeroPool
import ZeroPoolURing

@testable import PooledEcho

/// A reactor's event without its lease, to be compared.
enum ObservedEvent: Equatable {
    case accepted(ConnectionNumber)
    case acceptEnded(errno: Int32)
    case identified(ConnectionNumber, PeerAddress?)
    case received(ConnectionNumber, byteCount: Int)
    case receiveEnded(ConnectionNumber, errno: Int32, isEndOfStream: Bool)
    case sent(ConnectionNumber, byteCount: Int, hasLease: Bool)
    case sendFailed(ConnectionNumber, errno: Int32, hasLease: Bool)
    case halfClosed(ConnectionNumber)
    case released(ConnectionNumber?, wasCopied: Bool)
    case opened(ConnectionNumber, FileStatus.Kind, byteCount: Int)
    case openFailed(ConnectionNumber, errno: Int32)
    case read(ConnectionNumber, byteCount: Int, errno: Int32)
    /// Whether the file is what it was when it was opened.
    case checked(ConnectionNumber, isSame: Bool?)
    case woken
    case timer(ReactorTimer)

    /// Whether the lease came back; it goes home.
    static func isThere(_ lease: consuming PooledBuffer?) -> Bool {
        switch consume lease {
        case .some: true
        case .none: false
        }
    }
}
