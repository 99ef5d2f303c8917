import Foundation
import Testing

/// What those find who embed this package.
@Suite("Embedding", .serialized)
struct EmbeddingTests {
    @Test("A package that uses the pool alone builds and runs where there is no liburing, and fetches nothing else")
    func poolAlone() throws {
        let package = try EmbeddingPackage(
            products: ["ZeroPool"], traits: "[]",
            programs: [
                "Copy": """
                import ZeroPool

                let pool = BufferPool()
                var buffer = pool.get(5)
                buffer.append { $0.append(42) }
                print(buffer.capacity >= 5, buffer.bytes.unsafeLoad(as: UInt8.self))
                """
            ])
        defer { package.remove() }
        // Found before the system's, by every compiler that is run: whoever includes liburing fails.
        try package.write("#error there is no liburing", to: "without/liburing.h")
        let environment = ["CPATH": package.folder.appending(path: "without").path]
        let control = try Tool.run(
            ["clang", "-fsyntax-only", "-ISources/CLibUring/include", "Sources/CLibUring/CLibUring.c"],
            environment: environment)
        #expect(!control.isSuccess && control.output.contains("there is no liburing"), "\(control.output)")

        let products = try package.build(environment: environment)
        let objects = try FileManager.default.subpathsOfDirectory(atPath: products.path).filter { $0.hasSuffix(".o") }
        #expect(objects.contains { $0.hasPrefix("CZeroPool.build/") })
        #expect(!objects.contains { $0.hasPrefix("CLibUring.build/") || $0.hasPrefix("ZeroPoolURing.build/") })
        let checkouts = package.folder.appending(path: ".build/checkouts").path
        let fetched = (try? FileManager.default.contentsOfDirectory(atPath: checkouts)) ?? []
        #expect(fetched.isEmpty, "\(fetched)")
        let program = products.appending(path: "Copy").path
        let run = try Tool.run([program])
        #expect(run.isSuccess && run.output == "true 42\n", "\(run.output)")
        let libraries = try Tool.run(["ldd", program])
        #expect(libraries.output.contains("libc.so") && !libraries.output.contains("liburing"))
    }

    @Test("The programs that README and documentation show compile")
    func documents() throws {
        let articles = try Repository.files(under: "Sources", withExtension: "md")
        #expect(articles.count >= 4, "the documentation has moved")
        // Blocks that import a product are whole programs; others are parts.
        let sources = try ([Repository.root.appending(path: "README.md")] + articles)
            .flatMap { Self.swiftBlocks(of: try Repository.text($0)) }.filter { $0.contains("import ZeroPool") }
        #expect(sources.count >= 4, "the documents show no programs")
        let programs = Dictionary(uniqueKeysWithValues: sources.enumerated().map { ("Document\($0 + 1)", $1) })
        let package = try EmbeddingPackage(
            products: ["ZeroPool", "ZeroPoolURing", "ZeroPoolReactor"], traits: "[]", programs: programs)
        defer { package.remove() }
        _ = try package.build()
    }

    /// The contents of a Markdown text's fenced blocks of Swift.
    private static func swiftBlocks(of markdown: String) -> [String] {
        var blocks: [String] = []
        var block: [Substring]?
        for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
            if let lines = block {
                if line.hasPrefix("```") {
                    blocks.append(lines.joined(separator: "\n"))
                    block = nil
                } else {
                    block = lines + [line]
                }
            } else if line.hasPrefix("```swift") {
                block = []
            }
        }
        return blocks
    }
}

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
