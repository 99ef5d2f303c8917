import Foundation
import Testing

/// The package as the package manager describes it.
struct Manifest: Decodable {
    struct Target: Decodable {
        let name: String
        let type: String
        let path: String
        /// Other targets of this package.
        let targetDependencies: [String]?
        /// Products of other packages.
        let productDependencies: [String]?
    }

    let targets: [Target]

    /// The rooms: what is no test.
    var rooms: [Target] { targets.filter { $0.type != "test" } }

    static func read() throws -> Manifest {
        // In a scratch folder of its own: the package's is taken while its tests run.
        let scratch = FileManager.default.temporaryDirectory.appending(path: "zeropool-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: scratch) }
        let result = try Tool.run(
            ["swift", "package", "--scratch-path", scratch.path, "describe", "--type", "json"])
        try #require(result.isSuccess, "\(result.output)")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        // Anything that the package manager has to say stands before the object.
        let object = result.output.drop { $0 != "{" }
        return try decoder.decode(Manifest.self, from: Data(object.utf8))
    }
}
