import Foundation
import Testing

/// A package of somebody who embeds this one, in a temporary folder.
struct EmbeddingPackage {
    let folder: URL

    /// - Parameters:
    ///   - products: what it uses of this package.
    ///   - traits: the traits of this package that it asks for, as the manifest says it; nil for those by default.
    ///   - programs: sources of a file each; `@main` or top-level code.
    init(products: [String], traits: String? = nil, programs: [String: String]) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "zeropool-\(UUID().uuidString)")
        // A package that is named by its path is known by the last part of it.
        let identity = Repository.root.lastPathComponent
        let dependencies = products.map { ".product(name: \"\($0)\", package: \"\(identity)\")" }
        let targets = programs.keys.sorted().map {
            "        .executableTarget(name: \"\($0)\", dependencies: [\(dependencies.joined(separator: ", "))]),\n"
        }
        try write(
            """
            // swift-tools-version: 6.2
            import PackageDescription

            let package = Package(
                name: "Embedding",
                dependencies: [.package(path: "\(Repository.root.path)"\(traits.map { ", traits: \($0)" } ?? ""))],
                targets: [
            \(targets.joined())    ])
            """, to: "Package.swift")
        for (name, source) in programs {
            try write(source, to: "Sources/\(name)/\(source.contains("@main") ? name : "main").swift")
        }
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }

    func write(_ text: String, to path: String) throws {
        let file = folder.appending(path: path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: file, atomically: false, encoding: .utf8)
    }

    /// Builds it; returns the folder of what was built.
    func build(environment: [String: String] = [:]) throws -> URL {
        let scratch = folder.appending(path: ".build")
        let result = try Tool.run(
            ["swift", "build", "--scratch-path", scratch.path, "--disable-index-store"], in: folder,
            environment: environment)
        try #require(result.isSuccess, "\(result.output)")
        return scratch.appending(path: "debug").resolvingSymlinksInPath()
    }
}
