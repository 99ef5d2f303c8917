import ArgumentParser
import PooledEcho

/// `pooled-echo files`: serves a directory over HTTP/1.1.
struct FilesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "files",
        abstract: "Serves a directory's files over HTTP/1.1.",
        discussion: """
            Prints "listening on HOST:PORT" when it serves. GET and HEAD, with ranges and conditions; a directory is its \
            index.html. Nothing outside ROOT is opened, wherever paths and links lead; names that begin with a dot are hidden.

            SIGINT or SIGTERM ends it: responses that have begun are sent, then connections are half-closed; after the drain \
            time the rest is cut. A second signal cuts at once. Who is owed bytes when it is cut gets a reset, never an end \
            of stream. --stats json counts what each limit ended.

            Exit status: 0 when what was owed at the stop was sent, 3 when some of it was cut, 1 on an error, 64 on \
            wrong usage.
            """)

    @Argument(help: "The directory to serve.")
    var root: String

    @OptionGroup
    var options: ServerOptions

    @Option(help: "The port to listen on; 0 picks a free one.")
    var port: UInt16 = 8080

    @Flag(help: "Serves, and lists, names that begin with a dot.")
    var dotfiles = false

    @Flag(help: "Lists directories without index.html: as HTML, or as JSON for who asks for that.")
    var listing = false

    @Option(
        help:
            "How files are read: buffered (through the page cache), direct (past it, into the pool's buffers), auto (past it what is large and not in it)."
    )
    var engine = FileEngine.auto

    @Option(
        help: ArgumentHelp(
            "With --engine auto: from so many bytes of a file on, which a request wants, it looks whether they are in the page cache.",
            valueName: "bytes"))
    var directMinimumBytes = FilesConfiguration.defaultDirectByteCount

    @Option(
        help: ArgumentHelp(
            "Of a file: bytes that one block takes at most on the way through the page cache. A connection holds two.",
            valueName: "bytes"))
    var blockBytes = FilesConfiguration.defaultBlockByteCount

    @Option(
        help: ArgumentHelp("The same for blocks that are read past the page cache.", valueName: "bytes"))
    var directBlockBytes = FilesConfiguration.defaultDirectBlockByteCount

    @Option(help: ArgumentHelp("Appends a line for each request, in the common log format.", valueName: "file"))
    var accessLog: String?

    @Option(
        help: ArgumentHelp(
            "Of a listing: entries. What there is beyond is not listed, which the listing says.",
            valueName: "entries"))
    var maxListingEntries = 10_000

    @Option(
        help: ArgumentHelp(
            "Of a request: bytes of its head. A larger one is refused (431), and its connection closed.",
            valueName: "bytes"))
    var maxHeadBytes = 16 * 1024

    @Option(
        help: ArgumentHelp(
            "Of a request: how long its head may take from its first byte on. Then it is refused (408), and its connection closed.",
            valueName: "seconds"))
    var headSeconds = 10.0

    @Option(
        help: ArgumentHelp(
            "Of a connection: what its peer has to take of a response, a second, with ten seconds' grace. A slower one is cut; 0 for no such limit.",
            valueName: "bytes"))
    var minBytesPerSecond = 1000

    @Option(
        help: ArgumentHelp(
            "Of the process: paths that are kept open for who asks next, each reactor an equal part. Fewer where ulimit -n is short.",
            valueName: "paths"))
    var cacheFiles = 2048

    @Option(
        help: ArgumentHelp(
            "How long at most a path that is kept open is not looked at again, so that a change of it is not seen; 0: it always is.",
            valueName: "seconds"))
    var cacheSeconds = 1.0

    @Option(
        help: ArgumentHelp(
            "Of the process: memory in which responses with small files are kept, to be sent again as they are to whoever asks for the same within a second; a quarter of --pool-bytes at most. 0: none.",
            valueName: "bytes"))
    var cacheBytes = 16 << 20

    func validate() throws {
        for (name, byteCount) in [("--block-bytes", blockBytes), ("--direct-block-bytes", directBlockBytes)] {
            guard (4096...16 << 20).contains(byteCount) else {
                throw ValidationError("\(name) is 4096 to 16777216, not \(byteCount)")
            }
        }
        guard directMinimumBytes >= 0 else {
            throw ValidationError("--direct-minimum-bytes is at least 0, not \(directMinimumBytes)")
        }
        guard (1024...1 << 20).contains(maxHeadBytes) else {
            throw ValidationError("--max-head-bytes is 1024 to 1048576, not \(maxHeadBytes)")
        }
        guard (0.05...86_400).contains(headSeconds) else {
            throw ValidationError("--head-seconds is 0.05 to 86400, not \(headSeconds)")
        }
        guard minBytesPerSecond >= 0 else {
            throw ValidationError("--min-bytes-per-second is at least 0, not \(minBytesPerSecond)")
        }
        guard (1...1_000_000).contains(cacheFiles) else {
            throw ValidationError("--cache-files is 1 to 1000000, not \(cacheFiles)")
        }
        guard cacheSeconds == 0 || (0.05...86_400).contains(cacheSeconds) else {
            throw ValidationError("--cache-seconds is 0.05 to 86400, or 0, not \(cacheSeconds)")
        }
        guard cacheBytes >= 0 else { throw ValidationError("--cache-bytes is at least 0, not \(cacheBytes)") }
        guard (1...1_000_000).contains(maxListingEntries) else {
            throw ValidationError("--max-listing-entries is 1 to 1000000, not \(maxListingEntries)")
        }
    }

    func run() throws {
        var files = FilesConfiguration(root: root)
        files.engine = engine
        files.directByteCount = directMinimumBytes
        files.blockByteCount = blockBytes
        files.directBlockByteCount = directBlockBytes
        files.accessLogPath = accessLog
        files.maxHeadByteCount = maxHeadBytes
        files.headSeconds = headSeconds
        files.minBytesPerSecond = minBytesPerSecond
        files.openFileCount = cacheFiles
        files.cacheSeconds = cacheSeconds
        files.cacheByteCount = cacheBytes
        files.servesDotfiles = dotfiles
        files.listsDirectories = listing
        files.maxListingEntryCount = maxListingEntries
        var configuration = options.configuration(.files(files), port: port)
        // A head that fits is in one piece.
        configuration.bufferByteCount = maxHeadBytes
        try options.run(configuration)
    }
}

extension FileEngine: ExpressibleByArgument {}
