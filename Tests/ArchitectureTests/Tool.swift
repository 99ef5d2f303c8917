import Foundation

/// Programs of the toolchain, run to their end.
enum Tool {
    struct Result: Sendable {
        let isSuccess: Bool
        /// Standard output and standard error.
        let output: String
    }

    /// Runs a program that `PATH` leads to; coreutils' `timeout` ends it when it takes too long.
    static func run(
        _ arguments: [String], in folder: URL = Repository.root, environment: [String: String] = [:],
        timeoutSeconds: Int = 300
    ) throws -> Result {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["timeout", String(timeoutSeconds)] + arguments
        process.currentDirectoryURL = folder
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        return Result(
            isSuccess: process.terminationReason == .exit && process.terminationStatus == 0, output: output)
    }
}
