import FoundationEssentials

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
