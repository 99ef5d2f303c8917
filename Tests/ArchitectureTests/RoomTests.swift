import Foundation
import Testing

/// Who may call whom: the arrows of docs/ARCHITECTURE.md, held against import lines and the manifest.
@Suite("Rooms")
struct RoomTests {
    /// What each room may use of the others. A new room gets its line here first.
    static let arrows: [String: Set<String>] = [
        "CLibUring": [],
        "CZeroPool": [],
        "ZeroPool": ["CZeroPool"],
        "ZeroPoolURing": ["ZeroPool", "CLibUring"],
        "ZeroPoolMetrics": ["ZeroPool"],
        "HTTP1": [],
        "SystemSupport": [],
        "CommandSupport": [],
        "ZeroPoolReactor": ["ZeroPoolURing", "ZeroPool", "CZeroPool", "SystemSupport"],
        "echo-example": ["ZeroPoolReactor", "ZeroPool"],
        "proxy-example": ["ZeroPoolReactor", "ZeroPool"],
        "copy-example": ["ZeroPoolReactor", "ZeroPool"],
        "chat-example": ["ZeroPoolReactor", "ZeroPool"],
        "client-example": ["ZeroPoolReactor", "ZeroPool"],
        "PooledEcho": ["ZeroPoolReactor", "ZeroPool", "HTTP1", "SystemSupport"],
        "PooledEchoCommand": ["CommandSupport", "PooledEcho", "ZeroPoolReactor", "SystemSupport"],
        "loadgen": ["CommandSupport", "ZeroPoolURing", "ZeroPool", "HTTP1", "SystemSupport"],
        "TestSupport": ["ZeroPoolURing", "SystemSupport"],
    ]

    /// The modules that a room's files import, each with a file that does.
    private func imports(of room: Manifest.Target) throws -> [String: String] {
        var imports: [String: String] = [:]
        for file in try Repository.files(under: room.path, withExtension: "swift") {
            for module in Imports.modules(in: try Repository.text(file)) {
                imports[module] = file.lastPathComponent
            }
        }
        return imports
    }

    @Test("Every room keeps to its arrows, in its imports and in the manifest")
    func arrows() throws {
        let rooms = try Manifest.read().rooms
        #expect(rooms.count >= 14)
        for room in rooms {
            let allowed = try #require(Self.arrows[room.name], "the room \(room.name) has no arrows")
            #expect(Set(room.targetDependencies).isSubset(of: allowed), "\(room.name) in Package.swift")
            let imports = try imports(of: room)
            let sources = try Repository.files(under: room.path, withExtension: "swift", "c")
            #expect(!sources.isEmpty, "\(room.name) has no sources")
            for (module, file) in imports where Self.arrows[module] != nil && module != room.name {
                #expect(allowed.contains(module), "\(room.name)/\(file) imports \(module)")
            }
        }
    }

    @Test("The pool is made of nothing but itself, the standard library and the system's C library")
    func pool() throws {
        let room = try #require(try Manifest.read().rooms.first { $0.name == "ZeroPool" })
        #expect(room.productDependencies == [])
        for (module, file) in try imports(of: room) {
            let isAllowed = ["CZeroPool", "Swift", "Synchronization", "Glibc", "Musl"].contains(module)
            #expect(isAllowed, "\(file) imports \(module)")
        }
    }

    @Test("Nothing but CLibUring includes liburing, or shows it to others")
    func liburing() throws {
        for file in try Repository.files(under: "Sources/CZeroPool", withExtension: "c", "h") {
            #expect(try !Repository.text(file).contains("liburing"), "\(file.lastPathComponent)")
        }
        let lines = try Repository.files(under: "Sources/ZeroPoolURing", withExtension: "swift")
            .flatMap { try Repository.text($0).split(separator: "\n") }.filter { $0.contains("import CLibUring") }
        // Who imports the ring would otherwise need liburing's headers too.
        #expect(!lines.isEmpty && lines.allSatisfy { $0 == "internal import CLibUring" })
    }

    @Test("No file is longer than 500 lines")
    func fileLength() throws {
        var count = 0
        for folder in ["Sources", "loadgen", "Tests", "Benchmarks/Sources"] {
            for file in try Repository.files(under: folder, withExtension: "swift", "c", "h", "py") {
                let lineCount = try Repository.text(file).split(separator: "\n", omittingEmptySubsequences: false).count
                #expect(lineCount <= 501, "\(file.path) has \(lineCount - 1) lines")
                count += 1
            }
        }
        #expect(count > 100)
    }

    @Test(
        "Import lines are found in every form that Swift has",
        arguments: [
            ("import ZeroPool\n", ["ZeroPool"]),
            ("  public import ZeroPool // why\n@testable import loadgen", ["ZeroPool", "loadgen"]),
            ("@_spi(Host) package import struct ZeroPoolURing.Ring", ["ZeroPoolURing"]),
            ("#if x\n@_exported import CLibUring.Shims\n#endif", ["CLibUring"]),
            ("import A; import B", ["A", "B"]),
            ("// import ZeroPool\n/// import Glibc\nlet important = 1\nf(import)", []),
        ])
    func importLines(source: String, modules: [String]) {
        #expect(Imports.modules(in: source) == Set(modules))
    }
}
