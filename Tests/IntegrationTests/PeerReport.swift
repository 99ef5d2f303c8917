import Testing

/// What a python peer said while it ran: lines of words and a figure at the end, such as `processor seconds 0.125`.
struct PeerReport {
    private let lines: [Substring]

    /// Waits for the peer's end, which must be that all was well.
    init(ofEnded peer: ChildProcess, within seconds: Double = 30) throws {
        let ending = try peer.waitForEnd(within: seconds)
        #expect(ending == .exited(0), "\(peer.commandLine): \(peer.standardOutput)\(peer.standardError)")
        lines = peer.standardOutput.split(separator: "\n")
    }

    /// The figure behind these words.
    func figure(_ words: String) throws -> Double {
        let line = lines.last { $0.hasPrefix("\(words) ") }
        return try #require(line.flatMap { Double($0.dropFirst(words.count + 1)) }, "no figure for '\(words)'")
    }

    func count(_ words: String) throws -> Int { Int(try figure(words)) }
}
