import Glibc
import SystemSupport
import Testing
import ZeroPool
import ZeroPoolURing

@testable import ZeroPoolReactor

@Suite("KernelRing's end", .ring)
struct KernelRingEndTests {
    /// A ring that has received from a connection whose bytes it keeps, and sends nothing.
    private final class Served {
        let pool = BufferPool.builder().numShards(1).build()
        let ring: KernelRing
        let client: Int32
        var lease: PooledBuffer?

        init() throws {
            let listener = try Listener(at: SocketAddress(resolving: "127.0.0.1", port: 0), count: 1)
            ring = try KernelRing(
                KernelRing.Setup(
                    mode: .registered, pool: pool, queues: Ring.Configuration(), bufferByteCount: 4096,
                    fileSlotCount: 8, onDegradation: { _ in }),
                shard: 0, bell: EventBell())
            ring.listen(on: listener.sockets[0], zeroCopyPeers: .none)
            client = try connectedClient(to: listener.address)
            ring.armAccept()
            var number: ConnectionNumber?
            while number == nil {
                try ring.wait(isPolling: false)
                ring.forEachEvent { event in if case .accepted(let accepted) = event { number = accepted } }
            }
            try #require(write(client, "abc", 3) == 3)
            ring.armReceive(number!, .multishot)
            while hasNoLease {
                try ring.wait(isPolling: false)
                ring.forEachEvent { event in
                    switch consume event {
                    case .received(_, let lease): self.lease = consume lease
                    default: break
                    }
                }
            }
        }

        private var hasNoLease: Bool {
            switch lease {
            case .none: true
            case .some: false
            }
        }

        /// Fills the peer's window, so that a send stays in flight.
        func sendUntilStuck() throws {
            var buffer = pool.get(64 << 20)
            buffer.append { $0.append(repeating: 7, count: 64 << 20, as: UInt8.self) }
            ring.send(buffer, from: 0, to: 0, mayZeroCopy: false)
            try ring.wait(isPolling: true)
            ring.forEachEvent { _ in }
        }
    }

    @Test("an abandoned ring leaves the process an end of its own, with a send and receives under way")
    func abandoned() async {
        await #expect(processExitsWith: .exitCode(7)) {
            var pool: BufferPool?
            do {
                let served = try Served()
                pool = served.pool
                try served.sendUntilStuck()
                served.ring.abandon()
            }
            // The one in flight and those that the kernel may receive into are nobody else's.
            try #require(pool!.leasedBufferCount > 1)
            pool = nil
            exit(7)
        }
    }

    @Test("a closed ring has given everything back, with a send and receives under way at its close")
    func closed() async {
        await #expect(processExitsWith: .exitCode(7)) {
            var pool: BufferPool?
            do {
                let served = try Served()
                pool = served.pool
                try served.sendUntilStuck()
                try #require(served.pool.leasedBufferCount > 2)
                served.ring.close()
                let leftover = served.ring.leftover
                try #require(leftover.registeredByteCount == 0 && leftover.inFlightCount == 0)
            }
            try #require(pool!.leasedBufferCount == 0)
            pool!.close()
            try #require(pool!.statistics().mappedByteCount == 0)
            exit(7)
        }
    }
}

private func connectedClient(to address: SocketAddress) throws -> Int32 {
    let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    try address.connect(client)
    return client
}
