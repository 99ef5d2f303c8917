import Glibc

/// Reads commands from standard input, a line each, and answers each with a line of JSON.
///
/// - `facts`: which library the process allocates from.
/// - `calibrate WORKLOAD NANOSECONDS`: how many iterations of the workload take that long.
/// - `run WORKLOAD ITERATIONS`: a round.
/// - `backing BYTES`: how much of a buffer of that size, all touched, stands on huge pages.
struct CommandLoop<Buffer: Contender & ~Copyable> {
    let source: Buffer.Source

    func run() {
        while let line = readLine() {
            print(answer(to: line.split(separator: " ")))
            fflush(nil)
        }
    }

    private func answer(to words: [Substring]) -> String {
        switch (words.first, words.count) {
        case ("facts", 1): return LoadedAllocator().json
        case ("calibrate", 3):
            guard let workload = Workload(words[1]), let nanoseconds = Int(words[2]) else { break }
            return "{\"iterations\": \(iterationCount(of: workload, nanoseconds: nanoseconds))}"
        case ("run", 3):
            guard let workload = Workload(words[1]), let iterationCount = Int(words[2]) else { break }
            return Round(workload, Buffer.self, source: source, iterationCount: iterationCount).json
        case ("backing", 2):
            guard let byteCount = Int(words[1]) else { break }
            return "{\"hugeByteCount\": \(hugeByteCount(ofBuffer: byteCount))}"
        default: break
        }
        fatalError("not a command: \(words.joined(separator: " "))")
    }

    /// Doubles the iterations until they take long enough. A run that did may have been a cold one, or an interrupted one: the
    /// shortest of three counts.
    private func iterationCount(of workload: Workload, nanoseconds: Int) -> Int {
        var count = 1
        while true {
            var shortest = Int.max
            for _ in 0..<3 {
                let elapsed = workload.run(Buffer.self, source: source, iterationCount: count)
                shortest = min(shortest, max(1, elapsed.nanoseconds))
                if shortest < nanoseconds / 2 { break }
            }
            if shortest >= nanoseconds / 2 { return max(1, count * nanoseconds / shortest) }
            count *= 2
        }
    }

    /// Of all huge pages that the process has, as much as the buffer can have.
    private func hugeByteCount(ofBuffer byteCount: Int) -> Int {
        Buffer.withAccess(to: source, byteCount: byteCount) { access in
            var buffer = Buffer.get(byteCount, from: access)
            buffer.touch(byteCount: byteCount)
            let hugeByteCount = ResidentMemory.hugeByteCount
            buffer.giveBack(to: access)
            return min(byteCount, hugeByteCount)
        }
    }
}
