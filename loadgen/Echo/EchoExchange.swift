import Glibc

/// Messages of the byte pattern, which come back as they went out.
struct EchoExchange: Exchange {
    let messageByteCount: Int

    var answerByteCount: Int { messageByteCount }
    var longestRunByteCount: Int { BytePattern.longestRunByteCount }

    func run(connection: Int, offset: Int, byteCount: Int) -> UnsafeRawBufferPointer {
        unsafe BytePattern.shared.run(connection: connection, offset: offset, byteCount: byteCount)
    }

    func answers(onConnection number: Int) -> EchoAnswers {
        EchoAnswers(connection: number, messageByteCount: messageByteCount)
    }
}

/// The echo of one connection: compared with what was sent, byte by byte.
struct EchoAnswers: AnswerReader {
    private let connection: Int
    private let messageByteCount: Int
    private var receivedByteCount = 0
    private var answerCount = 0

    /// - Parameter connection: The number that the pattern knows it by.
    init(connection: Int, messageByteCount: Int) {
        self.connection = connection
        self.messageByteCount = messageByteCount
    }

    mutating func take(_ bytes: RawSpan, answerableByteCount: Int) -> TakenAnswers {
        let mismatch = unsafe bytes.withUnsafeBytes { bytes in
            unsafe BytePattern.shared.firstMismatch(in: bytes, connection: connection, offset: receivedByteCount)
        }
        if let mismatch { return TakenAnswers(fault: .mismatch(mismatch)) }
        guard receivedByteCount + bytes.byteCount <= answerableByteCount else {
            let sentence = "connection \(connection) got more than it had sent, from byte \(answerableByteCount) on"
            return TakenAnswers(fault: .other("wrong bytes: " + sentence))
        }
        receivedByteCount += bytes.byteCount
        var taken = TakenAnswers(byteCount: bytes.byteCount)
        while (answerCount + 1) * messageByteCount <= receivedByteCount {
            answerCount += 1
            taken.answerCount += 1
        }
        return taken
    }

    mutating func ended() -> TakenAnswers { TakenAnswers() }

    var statuses: StatusCounts { StatusCounts() }

    mutating func reconnected() { preconditionFailure("an echo server says nothing of closing") }
}

/// The bytes that connections send and expect back, and that served files are made of: pseudo-random, and different by
/// connection, or file, and by offset.
///
/// The byte of connection `c` at stream offset `o` is `table[(c * stride + o) mod period]`. The period is a prime, so that
/// no message size and no buffer size divides it: a message that comes back twice, late or on another connection stands
/// where other bytes are expected. The table is followed by copies of itself, so that every run of up to
/// `longestRunByteCount` bytes is one contiguous piece of memory: it is sent from the table and compared with it, and
/// nothing is generated or copied for a message.
@safe struct BytePattern: Sendable {
    /// The smallest prime above 256 KiB: the table stays in a processor's second-level cache, where one of 1 MiB cost a
    /// tenth of loadgen's CPU time at 64 KiB messages. As many connections have streams of their own.
    static let period = 262_147
    /// Another prime, about 0.618 of the period: it lays the streams of neighbouring connections far apart.
    static let stride = 162_007
    static let longestRunByteCount = 1 << 20

    /// One table for the whole process.
    static let shared = BytePattern(seed: 0x5EED_0F_2E_20_90_01)

    // SAFETY: written once in `init`, only read afterwards, and never freed: a ring that ends may leave the kernel
    // sending from it for a moment longer.
    private nonisolated(unsafe) let table: UnsafeRawPointer

    /// Makes a table that is never freed: for `shared` and for tests.
    init(seed: UInt64) {
        let byteCount = Self.period + Self.longestRunByteCount
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 4096)
        var state = seed
        for offset in Swift.stride(from: 0, to: Self.period, by: 8) {
            // SplitMix64 (Steele, Lea, Flood 2014). The last word's tail is overwritten by the copy below.
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            unsafe bytes.storeBytes(of: word ^ (word >> 31), toByteOffset: offset, as: UInt64.self)
        }
        for offset in Swift.stride(from: Self.period, to: byteCount, by: Self.period) {
            unsafe (bytes + offset).copyMemory(from: bytes, byteCount: min(Self.period, byteCount - offset))
        }
        unsafe table = UnsafeRawPointer(bytes)
    }

    /// The bytes that `connection` sends from stream offset `offset` on; at most `longestRunByteCount` of them.
    /// The memory is there as long as the process.
    func run(connection: Int, offset: Int, byteCount: Int) -> UnsafeRawBufferPointer {
        precondition(byteCount <= Self.longestRunByteCount, "a run of the pattern is at most 1 MiB")
        let position = (connection * Self.stride + offset) % Self.period
        return unsafe UnsafeRawBufferPointer(start: table + position, count: byteCount)
    }

    /// Compares what came back on `connection` at stream offset `offset` with what was sent there.
    /// - Returns: where and how it differs first, or nil. Any length; about the cost of a `memcmp`.
    func firstMismatch(in received: UnsafeRawBufferPointer, connection: Int, offset: Int) -> Mismatch? {
        var start = 0
        while start < received.count {
            let byteCount = min(received.count - start, Self.longestRunByteCount)
            let expected = unsafe run(connection: connection, offset: offset + start, byteCount: byteCount)
            let piece = unsafe UnsafeRawBufferPointer(rebasing: received[start..<start + byteCount])
            if unsafe memcmp(piece.baseAddress!, expected.baseAddress!, byteCount) != 0 {
                let index = (0..<byteCount).first { unsafe piece[$0] != expected[$0] }!
                return Mismatch(
                    connection: connection, offset: offset + start + index,
                    expected: unsafe expected[index], received: unsafe piece[index])
            }
            start += byteCount
        }
        return nil
    }
}
