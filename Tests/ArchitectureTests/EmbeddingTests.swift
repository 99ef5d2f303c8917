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
            products: ["ZeroPool", "ZeroPoolURing", "ZeroPoolReactor"], programs: programs)
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
