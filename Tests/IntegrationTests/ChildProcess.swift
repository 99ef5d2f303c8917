import TestSupport
import FoundationEssentials
import Glibc
import Synchronization

/// A program that runs beside the tests; killed, if it still runs, when its value goes.
///
/// It inherits nothing but its standard streams: a socket of another test, which a child would keep open, is no business
/// of its.
final class ChildProcess: Sendable {
    /// How a program ended.
    enum Ending: Equatable, Sendable {
        case exited(Int32)
        case signalled(Int32)
    }

    /// Descriptors below are closed in the child; closing one that is not open is no error.
    private static let closedDescriptorCount: Int32 = 4096

    let id: pid_t
    let commandLine: String
    private let output: TemporaryFile
    private let errorOutput: TemporaryFile
    /// The pipe to its standard input, or -1.
    private let input: Int32
    private let ending = Mutex<Ending?>(nil)

    /// Starts the program at a path, or the one that `PATH` leads to. Its standard input is empty, or takes what
    /// `writeLine` writes.
    init(_ program: String, _ arguments: [String], hasInput: Bool = false) throws {
        // A line for a child that has ended must not end the tests.
        signal(SIGPIPE, SIG_IGN)
        commandLine = ([program] + arguments).joined(separator: " ")
        output = try TemporaryFile()
        errorOutput = try TemporaryFile()
        var ends: [Int32] = [-1, -1]
        if hasInput { try Failure.check(pipe(&ends), "pipe") }
        input = ends[1]
        defer { if hasInput { close(ends[0]) } }

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if hasInput {
            posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
        } else {
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_adddup2(&actions, output.descriptor, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errorOutput.descriptor, STDERR_FILENO)
        for descriptor in 3..<Self.closedDescriptorCount { posix_spawn_file_actions_addclose(&actions, descriptor) }

        // Whatever the test runner blocks or ignores, the child starts with neither.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var argv: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        defer { argv.forEach { free($0) } }
        var id = pid_t()
        let code = posix_spawnp(&id, program, &actions, &attributes, &argv, environ)
        self.id = id
        guard code == 0 else {
            ending.withLock { $0 = .exited(127) }
            throw Failure("\(commandLine): \(String(cString: strerror(code)))")
        }
    }

    /// The same of a command line.
    convenience init(_ commandLine: [String], hasInput: Bool = false) throws {
        try self.init(commandLine[0], Array(commandLine.dropFirst()), hasInput: hasInput)
    }

    deinit {
        if input >= 0 { close(input) }
        kill()
    }

    // MARK: Towards it

    func send(_ signal: Int32) { Glibc.kill(id, signal) }

    /// Writes a line to its standard input. One that has ended already hears nothing; why it has, its output says.
    func writeLine(_ line: String = "") {
        let bytes = Array((line + "\n").utf8)
        let count = write(input, bytes, bytes.count)
        precondition(count == bytes.count || errno == EPIPE, "a line fits into a pipe")
    }

    private func kill() {
        guard reap() == nil else { return }
        Glibc.kill(id, SIGKILL)
        ending.withLock { ending in
            waitpid(id, nil, 0)
            ending = .signalled(SIGKILL)
        }
    }

    // MARK: From it

    /// What it has printed so far.
    var standardOutput: String { output.text }
    var standardError: String { errorOutput.text }

    /// Resident memory now, in bytes; nil when it has ended.
    var residentByteCount: Int? { figure("VmRSS").map { $0 * 1024 } }

    /// Memory that the kernel has pinned for it now, such as what is registered with rings, in bytes; nil when it has ended.
    var pinnedByteCount: Int? { figure("VmPin").map { $0 * 1024 } }

    /// How often its threads have gone to sleep; nil when it has ended.
    var sleepCount: Int? {
        guard let threads = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/task") else { return nil }
        return threads.reduce(0) { $0 + (figure("voluntary_ctxt_switches", ofThread: $1) ?? 0) }
    }

    /// A figure of the kernel's status of it, or of a thread of it.
    private func figure(_ name: String, ofThread thread: String? = nil) -> Int? {
        let folder = thread.map { "/proc/\(id)/task/\($0)" } ?? "/proc/\(id)"
        let text = try? String(contentsOfFile: "\(folder)/status", encoding: .utf8)
        let line = text?.split(separator: "\n").first { $0.hasPrefix("\(name):") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
    }

    /// How many descriptors it has open now; nil when it has ended.
    var descriptorCount: Int? { try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/fd").count }

    /// Whether it soon has so many descriptors open, and no others: a reset takes one for a moment.
    func waitForDescriptorCount(_ count: Int, within seconds: Double = 10) -> Bool {
        ask(until: .now + .seconds(seconds)) { descriptorCount == count ? true : nil } ?? false
    }

    /// Whether it soon has no more memory than this, and no more of it pinned.
    func waitForMemory(resident: Int, pinned: Int, within seconds: Double = 30) -> Bool {
        ask(until: .now + .seconds(seconds)) {
            guard let residentByteCount, let pinnedByteCount else { return false }
            return residentByteCount <= resident && pinnedByteCount <= pinned ? true : nil
        } ?? false
    }

    /// Waits for its end, and kills it when that does not come in time.
    @discardableResult
    func waitForEnd(within seconds: Double = 20) throws -> Ending {
        if let ending = ask(until: .now + .seconds(seconds), { reap() }) { return ending }
        kill()
        throw failure("did not end within \(seconds) s")
    }

    /// Waits until a line that starts with `prefix` stands in its output, and returns what follows the prefix.
    @discardableResult
    func waitForLine(
        _ prefix: String, inStandardError: Bool = false, within seconds: Double = 20
    ) throws -> String {
        var isOver = false
        let line = ask(until: .now + .seconds(seconds)) { () -> String?? in
            isOver = reap() != nil
            let text = inStandardError ? standardError : standardOutput
            // What stands behind the last line break may be half a line.
            let line = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().first {
                $0.hasPrefix(prefix)
            }
            return line.map { String($0.dropFirst(prefix.count)) } ?? (isOver ? .some(nil) : nil)
        }
        if let line = line ?? nil { return line }
        kill()
        throw failure("printed no line '\(prefix)…' \(isOver ? "before it ended" : "within \(seconds) s")")
    }

    /// Asks every 2 ms until there is an answer or the time is over.
    private func ask<Answer>(until deadline: ContinuousClock.Instant, _ question: () -> Answer?) -> Answer? {
        while true {
            if let answer = question() { return answer }
            guard ContinuousClock.now < deadline else { return nil }
            usleep(2000)
        }
    }

    private func reap() -> Ending? {
        ending.withLock { ending in
            if let ending { return ending }
            var status: Int32 = 0
            guard waitpid(id, &status, WNOHANG) == id else { return nil }
            let signal = status & 0x7f
            ending = signal == 0 ? .exited(status >> 8 & 0xff) : .signalled(signal)
            return ending
        }
    }

    private func failure(_ what: String) -> Failure {
        Failure(
            """
            \(commandLine) \(what)
            standard output: \(standardOutput.suffix(2000))
            standard error: \(standardError.suffix(2000))
            """)
    }
}
