import TestSupport
import Foundation

/// The built loadgen program, run as a user runs it.
enum Program {
    /// Beside the test runner, where the package manager puts programs.
    static let path = Machine.builtProgram("loadgen")

    static var isBuilt: Bool { FileManager.default.isExecutableFile(atPath: path) }

    struct Outcome {
        let status: Int32
        let output: String
        let errorOutput: String
    }

    /// - Parameter executable: this program, or one that runs it.
    static func run(_ arguments: [String], by executable: String = path) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(filePath: executable)
        process.arguments = arguments
        let (output, errorOutput) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errorOutput
        try process.run()
        // Less than a pipe holds comes on standard error.
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let errorText = errorOutput.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
            errorOutput: String(decoding: errorText, as: UTF8.self))
    }
}
