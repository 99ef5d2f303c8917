import ArgumentParser
import PooledEcho

/// `pooled-echo files`: serves a directory over HTTP/1.1.
struct FilesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "files",
        abstract: "Serves a directory's files over HTTP/1.1.",
        discussion: """
            Prints "listening on HOST:PORT" when it serves. Answers GET and HEAD, with ranges and conditions; a directory is \
            its index.html. Nothing outside ROOT is opened, wherever paths and links lead. Names that begin with a dot are \
            hidden.

            SIGINT or SIGTERM stops it: responses that have begun are sent, and connections are half-closed. After the \
            drain time the rest is cut. A second signal cuts at once. A client that loses bytes gets a reset, never an end of \
            stream. --stats json counts what each limit ended.

            Exit status: 0 when everything was sent, 3 when some connections were cut with bytes unsent, 1 on an error, \
            64 on wrong usage.

            Example: pooled-echo files /srv/www --listing
            """)

    @Argument(help: "The directory to serve.")
    var root: String

    @OptionGroup
    var options: ServerOptions

    @Option(help: "Listen on this port; 0 picks a free one.")
    var port: UInt16 = 8080

    @Flag(help: "Serve and list names that begin with a dot.")
    var dotfiles = false

    @Flag(help: "List directories without index.html: as HTML, or as JSON for clients that ask for it.")
    var listing = false

    @Option(
        help:
            "Read files through the page cache (buffered), past it (direct), or past it only what is large and not in it (auto)."
    )
    var engine = FileEngine.auto

    @Option(
        help: ArgumentHelp(
            "With --engine auto, look whether a file is in the page cache when a request wants this many bytes of it.",
            valueName: "bytes"))
    var directMinimumBytes = FilesConfiguration.defaultDirectByteCount

    @Option(
        help: ArgumentHelp(
            "Read at most this many bytes at once through the page cache. A connection holds two such blocks.",
            valueName: "bytes"))
    var blockBytes = FilesConfiguration.defaultBlockByteCount

    @Option(
        help: ArgumentHelp("Read at most this many bytes at once past the page cache.", valueName: "bytes"))
    var directBlockBytes = FilesConfiguration.defaultDirectBlockByteCount

    @Option(
        help: ArgumentHelp("Append a line per request in the common log format. Needs Linux 6.8.", valueName: "file"))
    var accessLog: String?

    @Option(
        help: ArgumentHelp(
            "List at most this many entries. The listing says when there are more.",
            valueName: "entries"))
    var maxListingEntries = 10_000

    @Option(
        help: ArgumentHelp(
            "Refuse a request head larger than this (431) and close its connection.",
            valueName: "bytes"))
    var maxHeadBytes = 16 * 1024

    @Option(
        help: ArgumentHelp(
            "Refuse a head that is not complete this many seconds after its first byte (408), and close its connection.",
            valueName: "seconds"))
    var headSeconds = 10.0

    @Option(
        help: ArgumentHelp(
            "Cut a client that takes less than this of a response per second, after ten seconds' grace; 0 for no limit.",
            valueName: "bytes"))
    var minBytesPerSecond = 1000

    @Option(
        help: ArgumentHelp(
            "Keep at most this many paths open for later requests. Fewer where ulimit -n is short.",
            valueName: "paths"))
    var cacheFiles = 2048

    @Option(
        help: ArgumentHelp(
            "Look at such a path again after this many seconds; 0: for each request.",
            valueName: "seconds"))
    var cacheSeconds = 1.0

    @Option(
        help: ArgumentHelp(
            "Keep whole responses with small files in this much memory, a quarter of --pool-bytes at most; 0 for none.",
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
