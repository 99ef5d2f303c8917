import SystemSupport
import ArgumentParser
import FoundationEssentials
import ZeroPool

/// `loadgen sample`: one measurement, in the process that `compare` and `worth` start for it. Prints numbers as JSON.
struct SampleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample", abstract: "Takes one measurement for compare or worth.", shouldDisplay: false)

    @Argument var kind: Sample.Kind
    @Option var contender: Contender
    @Option var bytes: Int
    @Option var seconds: Double
    @Option var path: String = ""

    func run() throws {
        if contender == .mimalloc, !Mimalloc.isLoaded(inProcess: ProcessInfo.processInfo.processIdentifier) {
            throw SampleError("mimalloc was not preloaded")
        }
        // On a thread of its own, like a server's reactors: only with a second thread does glibc take its locks.
        let values = try SystemThread { Result { try measure() } }.join().get()
        try JSONOutput(path: "-").write(values)
    }

    private func measure() throws -> [String: Double] {
        let pool = contender.usesPool ? BufferPool() : nil
        switch kind {
        case .pair, .touched:
            let loop = BlockLoop(byteCount: bytes, pool: pool, touches: kind == .touched)
            return ["nanoseconds": loop.nanosecondsPerPair(seconds: seconds)]
        case .burst: return MemoryBurst(blockByteCount: bytes, pool: pool, idleSeconds: seconds).run()
        case .direct:
            return try DirectReads(path: path, blockByteCount: bytes, contender: contender, seconds: seconds).run()
        case .limit: return MemoryDemand(limitByteCount: bytes, isPooled: contender.usesPool).run()
        }
    }
}

extension Contender: ExpressibleByArgument {}
extension Sample.Kind: ExpressibleByArgument {}
