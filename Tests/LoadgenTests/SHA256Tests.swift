import Foundation
import Testing

@testable import loadgen

@Suite("SHA-256")
struct SHA256Tests {
    @Test("The examples of FIPS 180-4")
    func examples() {
        for (text, hash) in [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                String(repeating: "a", count: 1_000_000),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
            ),
        ] {
            #expect(SHA256.hexadecimal(of: Array(text.utf8)) == hash)
        }
    }

    @Test("What sha256sum says, at every length around a block's end")
    func lengths() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sha256-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var random = SeededGenerator(seed: 1)
        var hashes: [String] = []
        let lengths = [1, 54, 55, 56, 57, 63, 64, 65, 118, 119, 120, 121, 127, 128, 129, 1000]
        for length in lengths {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            try Data(bytes).write(to: folder.appending(path: "\(10_000 + length)"))
            hashes.append(SHA256.hexadecimal(of: bytes))
        }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.currentDirectoryURL = folder
        process.arguments = ["sha256sum"] + lengths.map { "\(10_000 + $0)" }
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(output.split(separator: "\n").map { String($0.prefix(64)) } == hashes)
    }
}
