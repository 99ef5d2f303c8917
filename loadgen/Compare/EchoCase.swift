import ArgumentParser

/// One load under which the contenders are compared as echo servers: `64x512` is 64 connections with messages of 512 bytes.
struct EchoCase: Equatable, Sendable, Encodable {
    static let defaults = [
        EchoCase(connections: 64, messageByteCount: 512)
    ]

    let connections: Int
    let messageByteCount: Int

    var title: String {
        "\(Format.count(connections, "connection")) × \(Format.byteCount(messageByteCount))"
    }
}

extension EchoCase: ExpressibleByArgument {
    init?(argument: String) {
        let parts = argument.split(separator: "x", omittingEmptySubsequences: false)
        guard parts.count == 2, let connections = Int(parts[0]), (1...BytePattern.period).contains(connections),
            let size = ByteCount(argument: String(parts[1]))
        else { return nil }
        self.init(connections: connections, messageByteCount: size.value)
    }

    var defaultValueDescription: String { "\(connections)x\(messageByteCount)" }
}
