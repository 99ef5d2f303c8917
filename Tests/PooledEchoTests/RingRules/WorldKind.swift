@testable import PooledEcho

/// Which world.
enum WorldKind: String, CaseIterable, CustomStringConvertible {
    case simulated
    case real

    var description: String { rawValue }

    func make(_ options: RingWorldOptions) throws -> any RingWorld {
        switch self {
        case .simulated: SimulatedRingWorld(options)
        case .real: try KernelRingWorld(options)
        }
    }

    /// Plays a scenario: on one thread from beginning to end, since a ring belongs to the thread that made it. So the tests
    /// of rules are not `async`.
    func play(_ options: RingWorldOptions = RingWorldOptions(), _ scenario: (RingSession) throws -> Void) throws {
        let session = RingSession(try make(options))
        defer { session.end() }
        try session.begin()
        try scenario(session)
        try session.checkRules()
    }
}
