/// The first byte that came back different from what it had to be.
struct Mismatch: Equatable, Sendable, Codable {
    let connection: Int
    /// The answer in whose body it stands; nil where it is the connection's stream that counts.
    var answer: Int?
    let offset: Int
    let expected: UInt8
    let received: UInt8
}

extension Mismatch: CustomStringConvertible {
    var description: String {
        let whole = answer.map { "the body of answer \($0)" } ?? "its stream"
        return "connection \(connection), byte \(offset) of \(whole): expected \(hexadecimal(expected)), "
            + "got \(hexadecimal(received))"
    }

    private func hexadecimal(_ byte: UInt8) -> String {
        "0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}
