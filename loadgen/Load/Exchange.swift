/// What a load says on its connections, and what has to come back: one for all connections of a run.
///
/// A message is what one request is: its bytes go out, and one answer comes back for it, in order.
protocol Exchange: Sendable {
    associatedtype Answers: AnswerReader

    /// Bytes of each message.
    var messageByteCount: Int { get }
    /// Bytes that come back for one, as far as is known: for as many the receiver makes room.
    var answerByteCount: Int { get }
    /// The most bytes that one `run` has.
    var longestRunByteCount: Int { get }

    /// The bytes that a connection sends from an offset of its stream on; at most `longestRunByteCount` of them. The memory is
    /// there as long as the process.
    func run(connection: Int, offset: Int, byteCount: Int) -> UnsafeRawBufferPointer

    /// A reader of what comes back on a connection.
    func answers(onConnection number: Int) -> Answers
}

/// Reads and verifies what comes back on one connection.
protocol AnswerReader {
    /// Takes bytes as they came in.
    /// - Parameter answerableByteCount: Bytes of the connection's stream that were sent, and so may be answered.
    mutating func take(_ bytes: RawSpan, answerableByteCount: Int) -> TakenAnswers

    /// The server has ended the stream in an orderly way, which may be the end of an answer.
    mutating func ended() -> TakenAnswers

    /// The connection is made anew: what was not answered will be asked again.
    mutating func reconnected()

    /// The statuses of all answers so far, where answers have one.
    var statuses: StatusCounts { get }
}

/// What some bytes were.
struct TakenAnswers: Equatable {
    /// Answers that they completed.
    var answerCount = 0
    /// Bytes that count as answered: the echo, or the body.
    var byteCount = 0
    /// After the last of these answers the server closes, as it said.
    var isLast = false
    /// What is wrong; the run ends.
    var fault: AnswerFault?
}

/// Why what came back is wrong.
enum AnswerFault: Equatable {
    case mismatch(Mismatch)
    /// A sentence.
    case other(String)
}

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
