import Foundation
import Testing

/// The package's own sources.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Every file under a folder of the package whose name ends so.
    static func files(under folder: String, withExtension extensions: String...) throws -> [URL] {
        let folder = root.appending(path: folder)
        return try FileManager.default.subpathsOfDirectory(atPath: folder.path).map { folder.appending(path: $0) }
            .filter { extensions.contains($0.pathExtension) && !$0.path.contains("/.build") }
    }

    static func text(_ file: URL) throws -> String { try String(contentsOf: file, encoding: .utf8) }
}

/// The package as its manifest says, which takes no dependency to be fetched.
struct Manifest: Decodable {
    struct Target: Decodable {
        let name: String
        let type: String
        /// Other targets of this package.
        let targetDependencies: [String]
        /// Products of other packages.
        let productDependencies: [String]
        /// Where its sources are; nil: where they are by default.
        private let explicitPath: String?

        var path: String { explicitPath ?? (type == "test" ? "Tests/" : "Sources/") + name }

        private enum CodingKeys: String, CodingKey {
            case name, type, dependencies
            case explicitPath = "path"
        }

        /// One of the two, as a list that begins with its name.
        private struct Dependency: Decodable {
            let byName: [Name]?
            let product: [Name]?
        }

        /// A name, or what else stands in a dependency's list.
        private struct Name: Decodable {
            let text: String?

            init(from decoder: any Decoder) throws { text = try? decoder.singleValueContainer().decode(String.self) }
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            name = try container.decode(String.self, forKey: .name)
            type = try container.decode(String.self, forKey: .type)
            explicitPath = try container.decodeIfPresent(String.self, forKey: .explicitPath)
            let dependencies = try container.decode([Dependency].self, forKey: .dependencies)
            targetDependencies = dependencies.compactMap { $0.byName?.first?.text }
            productDependencies = dependencies.compactMap { $0.product?.first?.text }
        }
    }

    let targets: [Target]

    /// The rooms: what is no test.
    var rooms: [Target] { targets.filter { $0.type != "test" } }

    static func read() throws -> Manifest {
        // In a scratch folder of its own: the package's is taken while its tests run.
        let scratch = FileManager.default.temporaryDirectory.appending(path: "zeropool-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: scratch) }
        let result = try Tool.run(["swift", "package", "--scratch-path", scratch.path, "dump-package"])
        try #require(result.isSuccess, "\(result.output)")
        // Anything that the package manager has to say stands before the object.
        return try JSONDecoder().decode(Manifest.self, from: Data(result.output.drop { $0 != "{" }.utf8))
    }
}

/// What a source file imports.
enum Imports {
    private static let kinds: Set<Substring> = [
        "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
    ]

    /// The modules that the import lines of a Swift source name; of `import struct A.B` that is `A`.
    static func modules(in source: String) -> Set<String> {
        var modules: Set<String> = []
        for statement in source.split(whereSeparator: { $0 == "\n" || $0 == ";" }) {
            let words = statement.split { $0 == " " || $0 == "\t" }
            guard let index = words.firstIndex(of: "import"), words[..<index].allSatisfy(isModifier) else { continue }
            let name = words[(index + 1)...].first { !kinds.contains($0) }
            if let module = name?.split(separator: ".").first { modules.insert(String(module)) }
        }
        return modules
    }

    private static func isModifier(_ word: Substring) -> Bool {
        word.hasPrefix("@") || ["public", "package", "internal", "fileprivate", "private"].contains(word)
    }
}

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
