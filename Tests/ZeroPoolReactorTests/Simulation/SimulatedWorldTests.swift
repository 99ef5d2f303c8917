import Glibc
import Testing
import ZeroPoolURing

@testable import ZeroPoolReactor

@Suite("The simulated kernel")
struct SimulatedWorldTests {
    private func accepted(_ world: SimulatedWorld) throws -> SimulatedPeer {
        world.ring.armAccept()
        let peer = world.connect()
        #expect(try world.turn() == [.accepted(0)])
        return peer
    }

    @Test("what a peer sends comes in, goes back, and is read")
    func echoes() throws {
        let world = SimulatedWorld()
        let peer = try accepted(world)
        world.ring.armReceive(0, .multishot)
        peer.send(100)
        #expect(try world.turn() == [.received(0, byteCount: 100)])
        peer.send(50)
        world.echo(0)
        #expect(try world.turn() == [.sent(0, byteCount: 100, hasLease: true), .received(0, byteCount: 50)])
        #expect(peer.read() == .bytes(100))
        #expect(peer.read() == .nothing)
        peer.shutdownWrite()
        #expect(try world.turn() == [.receiveEnded(0, errno: 0, isEndOfStream: true)])
        world.echo(0)
        #expect(try world.turn() == [.sent(0, byteCount: 50, hasLease: true)])
        world.ring.close(0)
        #expect(try world.turn() == [])
        #expect(peer.read() == .bytes(50))
        #expect(peer.read() == .endOfStream)
        #expect(world.trace.violation == nil)
    }

    @Test("a receive without a buffer ends with ENOBUFS, data or not")
    func noBuffer() throws {
        var parameters = SimulatedKernel.Parameters()
        parameters.bufferCount = 1
        let world = SimulatedWorld(parameters: parameters)
        let peer = try accepted(world)
        world.ring.armReceive(0, .multishot)
        peer.send(10)
        #expect(try world.turn() == [.received(0, byteCount: 10)])
        peer.send(10)
        #expect(try world.turn() == [.receiveEnded(0, errno: ENOBUFS, isEndOfStream: false)])
        world.ring.armReceive(0, .oneBuffer)
        #expect(try world.turn() == [.receiveEnded(0, errno: ENOBUFS, isEndOfStream: false)])
        world.echo(0)
        #expect(try world.turn() == [.sent(0, byteCount: 10, hasLease: true)])
        world.ring.refill()
        world.ring.armReceive(0, .oneBuffer)
        #expect(
            try world.turn() == [
                .received(0, byteCount: 10), .receiveEnded(0, errno: 0, isEndOfStream: false),
            ])
    }

    @Test("a send waits for room, and a cancelled one says what went out")
    func cancelledSend() throws {
        var parameters = SimulatedKernel.Parameters()
        parameters.outboundCapacity = 60
        let world = SimulatedWorld(parameters: parameters)
        let peer = try accepted(world)
        world.ring.armReceive(0, .multishot)
        peer.send(100)
        _ = try world.turn()
        world.echo(0)
        #expect(try world.turn() == [])
        world.ring.cancelSend(0)
        #expect(try world.turn() == [.sent(0, byteCount: 60, hasLease: true)])
        world.ring.cancelReceive(0)
        #expect(try world.turn() == [.receiveEnded(0, errno: ECANCELED, isEndOfStream: false)])
        world.ring.reset(0)
        #expect(try world.turn() == [])
        #expect(peer.read() == .bytes(60))
        #expect(peer.read() == .reset)
    }

    @Test("a full table ends accepting with ENFILE, and closes who came")
    func fullTable() throws {
        var parameters = SimulatedKernel.Parameters()
        parameters.slotCount = 1
        let world = SimulatedWorld(parameters: parameters)
        _ = try accepted(world)
        let second = world.connect()
        #expect(try world.turn() == [.acceptEnded(errno: ENFILE)])
        #expect(second.read() == .endOfStream)
        let third = world.connect()
        world.ring.close(0)
        world.ring.armAccept()
        #expect(try world.turn() == [.accepted(0)])
        #expect(third.read() == .nothing)
    }

    @Test("a peer's reset is told once; then comes the end of the stream")
    func peerReset() throws {
        let world = SimulatedWorld()
        let peer = try accepted(world)
        world.ring.armReceive(0, .multishot)
        peer.send(10)
        peer.reset()
        #expect(
            try world.turn() == [
                .received(0, byteCount: 10), .receiveEnded(0, errno: ECONNRESET, isEndOfStream: false),
            ])
        world.echo(0)
        #expect(try world.turn() == [.sendFailed(0, errno: EPIPE, hasLease: true)])
    }

    @Test("the memory of a zero-copy send is released when the peer has read it")
    func zeroCopy() throws {
        var parameters = SimulatedKernel.Parameters()
        parameters.zeroCopyMinimumByteCount = 1
        let world = SimulatedWorld(parameters: parameters)
        let peer = try accepted(world)
        world.ring.armReceive(0, .multishot)
        peer.send(10)
        _ = try world.turn()
        world.echo(0, mayZeroCopy: true)
        #expect(try world.turn() == [.sent(0, byteCount: 10, hasLease: false)])
        #expect(peer.read() == .bytes(10))
        #expect(try world.turn() == [.released(0, wasCopied: false)])
    }

    @Test("what may not be asked for is found")
    func illegalUse() throws {
        let world = SimulatedWorld()
        _ = try accepted(world)
        world.ring.armReceive(0, .multishot)
        world.ring.close(0)
        #expect(world.trace.violation?.contains("nothing is under way") == true)
        #expect(throws: RingError.self) { try world.turn() }
    }
}
