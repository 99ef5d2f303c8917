import Foundation

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
