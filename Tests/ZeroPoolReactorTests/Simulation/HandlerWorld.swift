import Testing
import ZeroPool

@testable import ZeroPoolReactor
import TestSupport

/// A reactor on a calm simulated kernel with a handler of the test's own. The test plays the peers, at times that it sets.
///
/// ```swift
/// let world = HandlerWorld()
/// let peer = world.connect()
/// world.at(milliseconds: 5) { peer.send(10) }
/// try world.run { connection in … }
/// ```
///
/// The reactor drains after a second, or when the test says so.
final class HandlerWorld {
    let trace = SimulationTrace()
    let kernel: SimulatedKernel
    let ring: SimulatedRing
    let reactor: Reactor
    let files: SimulatedFiles
    /// What handlers noted, in order.
    let notes = Notes()

    final class Notes: @unchecked Sendable {
        private(set) var lines: [String] = []
        func add(_ line: String) { lines.append(line) }
    }

    init(
        _ parameters: SimulatedKernel.Parameters = .init(),
        limits: ConnectionLimits = ConnectionLimits(buffers: 16, bytes: 1 << 20),
        disk: SimulatedFiles.Faults = SimulatedFiles.Faults()
    ) {
        kernel = SimulatedKernel(
            parameters: parameters, faults: FaultPlan(), generator: SeededGenerator(seed: 1), trace: trace)
        ring = SimulatedRing(kernel)
        ring.pollLimit = 64
        files = SimulatedFiles(kernel, disk)
        ring.files = files
        reactor = Reactor(
            ring: ring, pool: kernel.pool, bell: ring.makeBell(), slotCount: parameters.slotCount,
            admission: Admission(maxConnectionCount: 100),
            limits: ReactorLimits(
                connection: limits, trimSeconds: 0, drainSeconds: 0.1, deadlineGrainSeconds: 0.001))
    }

    /// Its handler sends what it likes, and `sentBytes` tells what that was.
    func connect() -> SimulatedPeer {
        let peer = SimulatedPeer(kernel)
        peer.connection.script = Array(repeating: 7, count: 1 << 20)
        return peer
    }

    func sentBytes(to peer: SimulatedPeer) -> [UInt8] { peer.connection.recording }

    func at(milliseconds: Double, _ action: @escaping () -> Void) {
        kernel.after(Int(milliseconds * 1000), action)
    }

    /// Milliseconds since the beginning.
    var now: Double { Double(kernel.now) / 1000 }

    func drain() {
        reactor.postLater { reactor in
            reactor.drain()
            reactor.end()
        }
    }

    /// Serves until all has ended. No rule may be broken, and no lease be out.
    func run(untilMilliseconds end: Double = 1000, _ handler: @escaping Reactor.Handler) throws {
        at(milliseconds: end) { [unowned self] in drain() }
        reactor.serve(handler)
        CrashReport.begin(trace)
        defer { CrashReport.end() }
        do throws(ReactorError) {
            try reactor.run()
        } catch {
            #expect(trace.violation == nil, "\(trace.tail())")
            throw error
        }
        #expect(trace.violation == nil, "\(trace.tail())")
        #expect(kernel.pool.leasedBufferCount == 0)
        #expect(files.openCount == 0)
        kernel.end()
    }
}
