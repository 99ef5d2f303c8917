import FoundationEssentials
import Glibc
import Synchronization
import ZeroPool

/// One measurement in a fresh process of this program, which has the contender's allocator.
struct Sample {
    /// What is measured; the raw value is a word of the hidden subcommand.
    enum Kind: String, CaseIterable {
        /// Get and return a block, untouched, or with a byte written into each page.
        case pair, touched
        /// Memory in a burst and after it.
        case burst
        /// Reads past the page cache.
        case direct
        /// Demand past a byte limit.
        case limit
    }

    let kind: Kind
    let contender: Contender
    let byteCount: Int
    var seconds = 0.05
    /// The file that is read; empty where none is.
    var path = ""

    /// The most that a sample may take beyond its own times.
    private static let timeoutSeconds = 60.0

    /// This program; tests have it beside their runner.
    static var programPath: String {
        let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        return own.deletingLastPathComponent().appending(path: "loadgen").path(percentEncoded: false)
    }

    /// Starts the process, on the processors of the calling thread.
    func start() throws(ServerError) -> ServerProcess {
        var arguments = [
            "sample", kind.rawValue, "--contender", contender.rawValue, "--bytes", "\(byteCount)", "--seconds",
            "\(seconds)",
        ]
        if !path.isEmpty { arguments += ["--path", path] }
        return try ServerProcess(path: Self.programPath, arguments: arguments, environment: contender.environment)
    }

    /// Waits for what a started process measured: numbers by their names.
    func result(of process: ServerProcess) throws(SampleError) -> [String: Double] {
        let ending = process.waitForEnd(timeoutSeconds: seconds + Self.timeoutSeconds)
        guard ending == .exited(0),
            let values = try? JSONDecoder().decode([String: Double].self, from: Data(process.standardOutput.utf8))
        else {
            let words = process.standardError.split(separator: "\n").joined(separator: " ").suffix(500)
            throw SampleError("\(contender.title): \(ending): \(words)")
        }
        return values
    }

    func run() throws -> [String: Double] { try result(of: start()) }
}

/// A sample that could not be taken: why.
struct SampleError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Gets a block and gives it back, again and again: what that costs in one thread.
///
/// The size comes from an atomic and the address goes to one, so that the compiler neither knows the one nor leaves out an
/// allocation that nobody uses.
struct BlockLoop {
    private final class Sink: Sendable {
        let byteCount: Atomic<Int>
        let address = Atomic<UInt>(0)
        init(byteCount: Int) { self.byteCount = Atomic(byteCount) }
    }

    private let sink: Sink
    private let pool: BufferPool?
    /// Writes a byte into each page.
    private let touches: Bool

    /// - Parameter pool: nil for `malloc`, whichever that is in this process.
    init(byteCount: Int, pool: BufferPool?, touches: Bool) {
        sink = Sink(byteCount: byteCount)
        self.pool = pool
        self.touches = touches
    }

    /// - Returns: nanoseconds of CPU time per get and return, after as long a warm-up. In the warm-up an allocator may learn.
    func nanosecondsPerPair(seconds: Double) -> Double {
        _ = repeatUntil(seconds: seconds)
        return repeatUntil(seconds: seconds)
    }

    private func repeatUntil(seconds: Double) -> Double {
        let span = UInt64(nanosecondsIn: seconds)
        let start = Clock.ownProcessorNanoseconds
        var pairCount = 0
        var batch = 1
        while true {
            if let pool { fromPool(pool, batch) } else { fromMalloc(batch) }
            pairCount += batch
            let elapsed = Clock.ownProcessorNanoseconds - start
            if elapsed >= span { return Double(elapsed) / Double(pairCount) }
            // Reading the clock must not show; slow pairs must not run on for long.
            if elapsed < span / 8 { batch *= 2 }
        }
    }

    @inline(never)
    private func fromPool(_ pool: BufferPool, _ count: Int) {
        for _ in 0..<count {
            let byteCount = sink.byteCount.load(ordering: .relaxed)
            let buffer = pool.get(byteCount)
            unsafe use(buffer.baseAddress, byteCount)
        }
    }

    @inline(never)
    private func fromMalloc(_ count: Int) {
        for _ in 0..<count {
            let byteCount = sink.byteCount.load(ordering: .relaxed)
            let block = unsafe Glibc.malloc(byteCount)!
            unsafe use(block, byteCount)
            unsafe free(block)
        }
    }

    @inline(__always)
    private func use(_ base: UnsafeMutableRawPointer, _ byteCount: Int) {
        if touches {
            for offset in stride(from: 0, to: byteCount, by: 4096) {
                unsafe base.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
            }
        }
        // Released, so that what was written counts as seen.
        sink.address.store(UInt(bitPattern: base), ordering: .releasing)
    }
}
