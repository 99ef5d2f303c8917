import Glibc

@testable import ZeroPoolReactor

/// The peer's end of a connection: what a program at the other end can do, played by hand or by a `ScriptedPeer`.
final class SimulatedPeer {
    /// What a read brings.
    enum Read: Equatable {
        case bytes(Int)
        /// Nothing to read yet.
        case nothing
        case endOfStream
        case reset
    }

    let kernel: SimulatedKernel
    let connection: SimulatedConnection

    init(_ kernel: SimulatedKernel, from address: UInt8 = 1) {
        self.kernel = kernel
        connection = kernel.connect(from: .init([10, 0, 0, address]))
    }

    /// Sends the next `byteCount` bytes of its stream, as far as there is room. Nil when the connection is reset.
    @discardableResult
    func send(_ byteCount: Int) -> Int? {
        guard !connection.isResetForPeer, !connection.isBroken, !connection.inbound.isEnded else { return nil }
        if connection.isClosedByServer {
            // Nobody there reads it: what comes back is a reset.
            kernel.resetForPeer(connection)
            return nil
        }
        let sent = min(byteCount, connection.inbound.room)
        guard sent > 0 else { return 0 }
        connection.inbound.write(sent)
        connection.ledger.becameReadable(at: kernel.now)
        kernel.ready.append(connection)
        return sent
    }

    /// Reads up to `byteCount` bytes.
    @discardableResult
    func read(_ byteCount: Int = .max) -> Read {
        let count = min(byteCount, connection.outbound.unreadByteCount)
        guard count > 0 else {
            // Who was told the end of the stream is told of no reset afterwards.
            if connection.outbound.isEnded { return .endOfStream }
            return connection.isResetForPeer || connection.isBroken ? .reset : .nothing
        }
        connection.outbound.read(count)
        kernel.advanceNotifications(connection)
        kernel.advanceSend(connection)
        // It may have waited for room.
        kernel.ready.append(connection)
        return .bytes(count)
    }

    /// No more comes of the peer; it goes on reading.
    func shutdownWrite() {
        guard !connection.isBroken, !connection.isResetForPeer else { return }
        kernel.trace.note("the peer half-closes", connection.id)
        connection.inbound.isEnded = true
        connection.ledger.becameReadable(at: kernel.now)
        kernel.ready.append(connection)
    }

    /// Closes: with unread bytes that is a reset.
    func close() {
        guard !connection.isClosedByPeer else { return }
        connection.isClosedByPeer = true
        guard connection.outbound.unreadByteCount == 0 else { return reset() }
        kernel.trace.note("the peer closes", connection.id)
        guard !connection.inbound.isEnded else { return }
        shutdownWrite()
    }

    func reset() {
        connection.isClosedByPeer = true
        kernel.trace.note("the peer resets", connection.id)
        kernel.breakConnection(connection, connection.inbound.isEnded ? EPIPE : ECONNRESET)
    }
}
