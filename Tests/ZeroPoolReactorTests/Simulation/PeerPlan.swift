import TestSupport

/// What one peer does, from its connect to its end. Times are microseconds.
struct PeerPlan {
    enum Reading {
        /// All there is, soon.
        case prompt
        /// So many bytes at most each interval.
        case slow(byteCount: Int, interval: Int)
        /// Promptly, but for pauses of the given length.
        case stalling(pause: Int)
        case never
    }

    enum Ending {
        /// Half-closes when all is sent, and reads to the end.
        case halfClose
        /// Closes, resets, or does nothing any more, at this byte of its stream.
        case close(at: Int)
        case reset(at: Int)
        case vanish(at: Int)
        /// Sends all and leaves the end to the server.
        case stay
    }

    /// What it does at the end of the server's stream, when its own is not at its end.
    enum Answer {
        case close
        case goOn
        case nothing
    }

    var connectTime = 0
    /// The last byte of its address.
    var address: UInt8 = 1
    var byteCount = 100
    /// It sends in pieces, one each interval.
    var pieceByteCount = 100
    var pieceInterval = 100
    var reading = Reading.prompt
    var ending = Ending.halfClose
    var answer = Answer.close
    /// How long anything takes it.
    var latency = 20

    /// Makes it a peer of any kind, bad ones too; a slow one reads so many bytes at a time.
    mutating func chooseManners(_ random: inout SeededGenerator, slowByteCount: ClosedRange<Int>) {
        switch random.integer(0, 9) {
        case 0...4: break
        case 5, 6:
            reading = .slow(
                byteCount: random.skewed(slowByteCount.lowerBound, slowByteCount.upperBound),
                interval: random.element([100, 1000, 20_000]))
        case 7: reading = .stalling(pause: random.element([1000, 30_000, 700_000]))
        default: reading = .never
        }
        let offset = random.integer(0, byteCount)
        switch random.integer(0, 9) {
        case 0...4: break
        case 5: ending = .close(at: offset)
        case 6: ending = .reset(at: offset)
        case 7: ending = .vanish(at: offset)
        default: ending = .stay
        }
        answer = random.element([.close, .close, .goOn, .nothing])
    }

    var isPrompt: Bool {
        if case .prompt = reading { return true }
        return false
    }

    /// It reads to the end and closes in between: if nothing cuts it, it gets everything back.
    var isProper: Bool {
        if case .halfClose = ending, case .never = reading { return false }
        if case .halfClose = ending { return true }
        return false
    }
}
