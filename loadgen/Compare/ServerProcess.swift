import FoundationEssentials
import Glibc
import SystemSupport

/// A server that runs as a child, on the processors of the thread that starts it.
///
/// Its two output streams go to files without a name: it never waits for a reader, and what it printed is there when it ended.
final class ServerProcess {
    /// How a server ended.
    enum Ending: Equatable {
        case exited(Int32)
        case signalled(Int32)
        /// It did not end by itself and was killed.
        case killed
    }

    let id: pid_t
    private let output: OutputFile
    private let errorOutput: OutputFile
    private var ending: Ending?

    /// Starts it; `path` is the program, which gets `arguments` after its own name.
    /// - Parameter environment: variables that it gets beside this program's own.
    init(path: String, arguments: [String], environment: [String: String] = [:]) throws(ServerError) {
        guard unsafe access(path, X_OK) == 0 else { throw .notFound(path: path) }
        do {
            output = try OutputFile()
            errorOutput = try OutputFile()
        } catch {
            throw .start("\(error)")
        }

        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output.descriptor, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, errorOutput.descriptor, STDERR_FILENO)
        // Whatever this thread blocks or this program handles, the child starts with no signal blocked or ignored.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var argv: [UnsafeMutablePointer<CChar>?] = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
        defer { unsafe argv.forEach { unsafe free($0) } }
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        var envp: [UnsafeMutablePointer<CChar>?] =
            unsafe variables.map { unsafe strdup("\($0.key)=\($0.value)") } + [nil]
        defer { unsafe envp.forEach { unsafe free($0) } }
        var id = pid_t()
        Interruption.expectChild()
        let status = unsafe posix_spawn(&id, path, &actions, &attributes, &argv, &envp)
        Interruption.watch(status == 0 ? id : 0)
        guard status == 0 else { throw .start("\(SystemError(path, errno: status))") }
        self.id = id
    }

    deinit {
        if ending == nil { _ = stop(timeoutSeconds: 0) }
    }

    /// Everything that it has printed to standard output so far.
    var standardOutput: String { output.text }
    var standardError: String { errorOutput.text }

    /// Waits until it prints the line that starts with `listening on HOST:PORT`, and returns that endpoint.
    func waitUntilReady(timeoutSeconds: Double) throws(ServerError) -> Endpoint {
        let deadline = Clock.monotonicNanoseconds + UInt64(nanosecondsIn: timeoutSeconds)
        while true {
            let ended = poll()
            if let endpoint = Self.readyEndpoint(in: standardOutput) { return endpoint }
            if let ended { throw .notReady(reason: "it ended with \(ended)", output: standardError) }
            guard Clock.monotonicNanoseconds < deadline else {
                throw .notReady(
                    reason: "no line 'listening on HOST:PORT' within \(Format.decimal(timeoutSeconds, places: 0)) s",
                    output: standardError)
            }
            usleep(2000)
        }
    }

    /// The endpoint of the readiness line, once that line is complete.
    static func readyEndpoint(in output: String) -> Endpoint? {
        let prefix = "listening on "
        for line in output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        where line.hasPrefix(prefix) {
            return Endpoint(String(line.dropFirst(prefix.count).prefix { !$0.isWhitespace }))
        }
        return nil
    }

    /// The most memory that it ever had resident, in bytes; nil when it has ended.
    var peakResidentByteCount: Int? { figure("VmHWM", in: "status").map { $0 * 1024 } }

    /// What it has had read from disks so far, past the page cache or into it; nil when it has ended, or the kernel keeps no
    /// such account.
    var diskReadByteCount: Int? { figure("read_bytes", in: "io") }

    /// Page faults so far that needed no disk, and the processor's ticks in user space and in the kernel; nil when it has
    /// ended.
    var work: Work? {
        guard let text = FileSystem.contents(ofKernelFile: "/proc/\(id)/stat"),
            let end = text.lastIndex(of: ")")
        else { return nil }
        // The third field of proc(5) and those after it: a program's name may have spaces.
        let fields = text[end...].split(separator: " ").dropFirst().map { Int($0) ?? 0 }
        guard fields.count > 12 else { return nil }
        return Work(pageFaultCount: fields[7], userTickCount: fields[11], kernelTickCount: fields[12])
    }

    struct Work: Equatable {
        let pageFaultCount: Int
        let userTickCount: Int
        let kernelTickCount: Int
    }

    /// A number that stands behind its name in a file of the process.
    private func figure(_ name: String, in file: String) -> Int? {
        guard let text = FileSystem.contents(ofKernelFile: "/proc/\(id)/\(file)"),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("\(name):") })
        else { return nil }
        return line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
    }

    /// Asks it to end, waits, and kills it when it does not.
    func stop(timeoutSeconds: Double) -> Ending {
        if let ended = poll() { return ended }
        kill(id, SIGTERM)
        let deadline = Clock.monotonicNanoseconds + UInt64(nanosecondsIn: timeoutSeconds)
        while Clock.monotonicNanoseconds < deadline {
            if let ended = poll() { return ended }
            usleep(2000)
        }
        kill(id, SIGKILL)
        var status: Int32 = 0
        unsafe waitpid(id, &status, 0)
        return end(.killed)
    }

    /// Waits until it ends by itself, and kills it when it does not.
    func waitForEnd(timeoutSeconds: Double) -> Ending {
        let deadline = Clock.monotonicNanoseconds + UInt64(nanosecondsIn: timeoutSeconds)
        while Clock.monotonicNanoseconds < deadline {
            if let ended = poll() { return ended }
            usleep(2000)
        }
        return stop(timeoutSeconds: 0)
    }

    private func poll() -> Ending? {
        if let ending { return ending }
        var status: Int32 = 0
        guard unsafe waitpid(id, &status, WNOHANG) == id else { return nil }
        let signal = status & 0x7f
        return end(signal == 0 ? .exited(status >> 8 & 0xff) : .signalled(signal))
    }

    private func end(_ ending: Ending) -> Ending {
        self.ending = ending
        Interruption.forget(id)
        return ending
    }
}

extension ServerProcess.Ending: CustomStringConvertible {
    var description: String {
        switch self {
        case .exited(let status): "exit status \(status)"
        case .signalled(let number): "signal \(number)"
        case .killed: "SIGKILL: it did not end when asked to"
        }
    }
}

/// Why a server under test could not be used.
enum ServerError: Error, Equatable, CustomStringConvertible {
    case notFound(path: String)
    case start(String)
    /// It ended, or said nothing for too long, before it was ready.
    case notReady(reason: String, output: String)
    case statistics(String)

    var description: String {
        switch self {
        case .notFound(let path):
            "no server at \(path): build it with `swift build -c release --product pooled-echo`, or name one with --server"
        case .start(let reason): "the server could not be started: \(reason)"
        case .notReady(let reason, let output):
            "the server was not ready: \(reason)" + (output.isEmpty ? "" : "\n" + output)
        case .statistics(let reason): "the server left no statistics: \(reason)"
        }
    }
}

/// A file without a name that takes what a child prints: the child never waits for a reader.
final class OutputFile {
    let descriptor: Int32

    init() throws(SystemError) {
        let directory = FileManager.default.temporaryDirectory
        var path = Array(directory.appending(path: "loadgen-XXXXXX").path(percentEncoded: false).utf8CString)
        descriptor = unsafe mkstemp(&path)
        guard descriptor >= 0 else { throw SystemError("a file in \(directory.path(percentEncoded: false))") }
        unsafe unlink(path)
        // A child has it as a standard stream, and under no other number.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    deinit {
        close(descriptor)
    }

    /// All that has been printed so far.
    var text: String {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return "" }
        let byteCount = Int(status.st_size)
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            unsafe count = max(0, pread(descriptor, buffer.baseAddress, buffer.count, 0))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
