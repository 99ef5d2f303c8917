import FoundationEssentials
import Glibc

/// A program where any user may run it: a build folder may be closed to others.
enum PublicCopy {
    static func use(of program: String, _ body: (String) throws -> Void) throws {
        let name = URL(filePath: program).lastPathComponent
        let folder = FileManager.default.temporaryDirectory.appending(path: "zeropool-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let copy = folder.appending(path: name).path(percentEncoded: false)
        try FileManager.default.copyItem(atPath: program, toPath: copy)
        for path in [folder.path(percentEncoded: false), copy] { try Failure.check(chmod(path, 0o755), path) }
        try body(copy)
    }
}
