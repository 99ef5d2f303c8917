import TestSupport

/// A peer that acts by a plan, in virtual time.
final class ScriptedPeer {
    let plan: PeerPlan
    private let kernel: SimulatedKernel
    private var generator: SeededGenerator
    private let onDone: () -> Void
    private(set) var peer: SimulatedPeer?
    private var isWriteSet = false
    private var isReadSet = false
    private var isDone = false
    private var hasHalfClosed = false
    private(set) var sentByteCount = 0
    private(set) var readByteCount = 0
    private(set) var end: SimulatedPeer.Read?

    private let script: [UInt8]?

    /// - Parameter script: what it sends; nil for its pattern.
    init(
        _ plan: PeerPlan, _ kernel: SimulatedKernel, seed: UInt64, script: [UInt8]? = nil, onDone: @escaping () -> Void
    ) {
        self.script = script
        self.plan = plan
        self.kernel = kernel
        self.onDone = onDone
        generator = SeededGenerator(seed: seed)
        kernel.after(plan.connectTime) { [unowned self] in connect() }
    }

    private func connect() {
        let peer = SimulatedPeer(kernel, from: plan.address)
        self.peer = peer
        peer.connection.ledger.isPrompt = plan.isPrompt
        peer.connection.script = script
        peer.connection.onReadable = { [unowned self] in setRead() }
        peer.connection.onRoom = { [unowned self] in setWrite() }
        setWrite()
        setRead()
    }

    // MARK: Writing

    private func setWrite() {
        guard !isWriteSet, !isDone, !hasHalfClosed else { return }
        isWriteSet = true
        kernel.after(generator.skewed(1, plan.pieceInterval)) { [unowned self] in write() }
    }

    private func write() {
        isWriteSet = false
        guard let peer, !isDone, !hasHalfClosed else { return }
        guard sentByteCount < stopByteCount else { return endWriting(peer) }
        let count = min(generator.integer(1, plan.pieceByteCount), stopByteCount - sentByteCount)
        guard let sent = peer.send(count) else { return setRead() }
        sentByteCount += sent
        if sent > 0 || sentByteCount == stopByteCount { setWrite() }
    }

    private var stopByteCount: Int {
        switch plan.ending {
        case .halfClose, .stay: plan.byteCount
        case .close(let offset), .reset(let offset), .vanish(let offset): min(offset, plan.byteCount)
        }
    }

    private func endWriting(_ peer: SimulatedPeer) {
        switch plan.ending {
        case .halfClose:
            hasHalfClosed = true
            peer.shutdownWrite()
        case .close:
            peer.close()
            done()
        case .reset:
            peer.reset()
            done()
        case .vanish: done()
        case .stay: hasHalfClosed = true
        }
    }

    // MARK: Reading

    private func setRead() {
        guard !isReadSet, !isDone else { return }
        let delay: Int
        switch plan.reading {
        case .prompt: delay = generator.integer(1, plan.latency)
        case .slow(_, let interval): delay = generator.integer(1, interval)
        case .stalling(let pause): delay = generator.chance(0.1) ? pause : generator.integer(1, plan.latency)
        case .never: return
        }
        isReadSet = true
        kernel.after(delay) { [unowned self] in read() }
    }

    private func read() {
        isReadSet = false
        guard let peer, !isDone else { return }
        var limit = Int.max
        if case .slow(let byteCount, _) = plan.reading { limit = byteCount }
        switch peer.read(limit) {
        case .bytes(let count):
            readByteCount += count
            setRead()
        case .nothing: break
        case .reset:
            end = .reset
            done()
        case .endOfStream:
            guard end == nil else { return }
            end = .endOfStream
            // After its own end of stream nothing is left to do.
            if case .halfClose = plan.ending, hasHalfClosed {
                peer.close()
                return done()
            }
            switch plan.answer {
            case .close:
                peer.close()
                done()
            case .goOn: break
            case .nothing: done()
            }
        }
    }

    private func done() {
        guard !isDone else { return }
        isDone = true
        peer?.connection.ledger.isPrompt = false
        onDone()
    }

    /// When the server is gone: reads what is left.
    func readToEnd() {
        guard let peer, plan.isProper, end == nil else { return }
        while true {
            switch peer.read() {
            case .bytes(let count): readByteCount += count
            case let read:
                end = read
                return
            }
        }
    }
}
