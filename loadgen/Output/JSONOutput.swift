import FoundationEssentials
import SystemSupport

/// Where `--json` writes: a file, or standard output for `-`.
struct JSONOutput {
    let path: String

    var isStandardOutput: Bool { path == "-" }

    func write(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(value) + Data("\n".utf8)
        if isStandardOutput {
            StandardStream.output.write(String(decoding: data, as: UTF8.self))
        } else {
            try data.write(to: URL(filePath: path))
        }
    }
}
