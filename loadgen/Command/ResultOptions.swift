import ArgumentParser
import FoundationEssentials
import Glibc
import SystemSupport

/// Where every command writes its results.
struct ResultOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Write all figures as JSON to this file; - for standard output.", valueName: "file"),
        completion: .file())
    var json: String?

    func validate() throws {
        if let json, json != "-" { try OutputPath.check(json, option: "--json") }
    }

    /// Text goes to standard output, or to standard error if the JSON goes to standard output.
    var textStream: StandardStream { json == "-" ? .error : .output }

    func write(_ report: some Encodable, text: String) throws {
        textStream.write(text)
        if let json { try JSONOutput(path: json).write(report) }
    }

    /// - Throws: `ExitCode.failure` when there are problems, after printing them.
    static func fail(for problems: [String]) throws {
        guard !problems.isEmpty else { return }
        for problem in problems {
            StandardStream.error.write("error: \(problem)\n")
        }
        throw ExitCode.failure
    }
}

/// A file that a command writes at its end, checked before it measures.
enum OutputPath {
    /// Throws when there is no such folder, or the file can't be written.
    static func check(_ path: String, option: String) throws(ValidationError) {
        let folder = URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
        var status = stat()
        guard unsafe stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw ValidationError("\(option) '\(path)' can't be written: there is no folder \(folder)")
        }
        if unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            throw ValidationError("\(option) '\(path)' can't be written: it is a folder")
        }
        let isThere = unsafe access(path, F_OK) == 0
        guard unsafe access(isThere ? path : folder, W_OK) == 0 else {
            throw ValidationError("\(option) '\(path)' can't be written: \(SystemError.text(errno))")
        }
    }

    /// Throws when files can't be made in the folder.
    static func check(folder: String, option: String) throws(ValidationError) {
        var status = stat()
        guard unsafe stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw ValidationError("\(option) '\(folder)' is not a folder")
        }
        guard unsafe access(folder, W_OK) == 0 else {
            throw ValidationError("\(option) '\(folder)' can't be written to: \(SystemError.text(errno))")
        }
    }

    static func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
    }
}
