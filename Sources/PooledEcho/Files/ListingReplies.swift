import Synchronization
import ZeroPoolURing

/// Where listings come back to a reactor: any thread posts, and the reactor's ring polls a descriptor.
final class ListingReplies: Sendable {
    struct Reply: Sendable {
        let connection: ConnectionNumber
        let outcome: Result<DirectoryLister.Listing, DirectoryLister.Failure>
    }

    private let signal: StopSignal
    private let replies = Mutex<[Reply]>([])

    /// Nil when the system has no descriptor left.
    init?() {
        guard let signal = try? StopSignal() else { return nil }
        self.signal = signal
    }

    /// What the ring polls for input.
    var descriptor: Int32 { signal.descriptor }

    func post(_ reply: Reply) {
        replies.withLock { $0.append(reply) }
        signal.raise()
    }

    /// What has come; once the ring has reported input.
    func take() -> [Reply] {
        signal.take()
        return replies.withLock { replies in
            defer { replies = [] }
            return replies
        }
    }
}
