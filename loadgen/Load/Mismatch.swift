/// The first byte of a connection's stream that came back different from what was sent.
struct Mismatch: Equatable, Sendable, Codable {
    let connection: Int
    let offset: Int
    let expected: UInt8
    let received: UInt8
}

extension Mismatch: CustomStringConvertible {
    var description: String {
        "connection \(connection), byte \(offset) of its stream: expected \(hexadecimal(expected)), "
            + "got \(hexadecimal(received))"
    }

    private func hexadecimal(_ byte: UInt8) -> String {
        "0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}
