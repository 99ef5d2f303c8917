import Synchronization

/// How many connections there may be, in the process and per address. The one thing that reactors share: they come here when a
/// connection begins and when it ends. Any thread.
package final class Admission: Sendable {
    private let maxConnectionCount: Int
    private let maxConnectionCountPerAddress: Int?
    private let count = Atomic<Int>(0)
    /// Connections by address; empty where addresses have no limit.
    private let countsByAddress = Mutex<[PeerAddress: Int]>([:])

    /// - Parameters:
    ///   - maxConnectionCountPerAddress: nil for no such limit.
    ///   - asksForAddresses: Whether peers are identified even without such a limit.
    package init(maxConnectionCount: Int, maxConnectionCountPerAddress: Int? = nil, asksForAddresses: Bool = false) {
        self.asksForAddresses = asksForAddresses || maxConnectionCountPerAddress != nil
        self.maxConnectionCount = maxConnectionCount
        self.maxConnectionCountPerAddress = maxConnectionCountPerAddress
    }

    /// Whether each peer is asked for its address.
    let asksForAddresses: Bool

    /// Counts a connection in, unless the limit is reached.
    func tryEnter() -> Bool {
        guard count.add(1, ordering: .relaxed).newValue > maxConnectionCount else { return true }
        count.subtract(1, ordering: .relaxed)
        return false
    }

    /// Counts a connection out.
    func leave() { count.subtract(1, ordering: .relaxed) }

    /// Counts a connection of `address` in, unless its limit is reached.
    func tryEnter(from address: PeerAddress) -> Bool {
        guard let limit = maxConnectionCountPerAddress else { return true }
        return countsByAddress.withLock { counts in
            guard counts[address, default: 0] < limit else { return false }
            counts[address, default: 0] += 1
            return true
        }
    }

    /// Counts a connection of `address` out.
    func leave(to address: PeerAddress) {
        guard maxConnectionCountPerAddress != nil else { return }
        countsByAddress.withLock { counts in
            counts[address, default: 0] -= 1
            if counts[address] == 0 { counts[address] = nil }
        }
    }
}
