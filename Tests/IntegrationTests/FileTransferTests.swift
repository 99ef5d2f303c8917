import TestSupport
import FoundationEssentials
import Glibc
import Testing
import ZeroPoolURing

/// What `pooled-echo files` is for, by curl's word.
@Suite("Files", .ring, .program("curl"))
struct FileTransferTests {
    private static let sizes = [0, 1, 4095, 4096, 4097, 65_536, 262_144, 1 << 20, (3 << 20) + 5]

    private func folder() -> [String: [UInt8]] {
        Dictionary(uniqueKeysWithValues: Self.sizes.map { ("f\($0)", FileServer.bytes($0, seed: UInt64($0 + 1))) })
    }

    @Test(
        "Files of every size come whole, in every mode and by every engine", arguments: EchoTests.modes,
        ["auto", "buffered", "direct"])
    func sizes(mode: String, engine: String) throws {
        let files = folder()
        let server = try FileServer(files, "--buffers", mode, "--engine", engine)
        for size in Self.sizes {
            for _ in 0..<2 { #expect(try server.curl("/f\(size)") == files["f\(size)"], "\(size)") }
        }
        let statistics = try server.stop()
        let sum = Self.sizes.reduce(0, +)
        #expect(statistics.bytes.sent > 2 * sum && statistics.connections.failed == 0)
        #expect(statistics.files?.responses.successful == 2 * Self.sizes.count)
        #expect((statistics.files?.directReads ?? 0 > 0) == (engine == "direct"))
        #expect((statistics.fixedBufferOperations > 0) == (mode == "registered"))
    }

    @Test("Blocks are as large as they are told to be", arguments: ["buffered", "direct"])
    func blocks(engine: String) throws {
        let bytes = FileServer.bytes(1 << 20)
        let option = engine == "direct" ? "--direct-block-size" : "--block-size"
        let server = try FileServer(["f": bytes], "--engine", engine, option, "65536")
        #expect(try server.curl("/f") == bytes)
        // The first one through the page cache has the head in it, too.
        let readCount = try #require(try server.stop().files).reads
        #expect((16...17).contains(readCount))
    }

    @Test("What is not in the page cache is read past it, and what is asked for again comes into it")
    func demand() throws {
        let bytes = FileServer.bytes(4 << 20)
        let server = try FileServer(["f": bytes], "--cache-max-age", "60", "--reactors", "1")
        let file = open(server.path(of: "f"), O_RDONLY)
        defer { close(file) }
        fsync(file)
        posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
        let isDropped = PageCache.residentByteCount(of: file, offset: 0, count: bytes.count) == 0
        for _ in 0..<3 { #expect(try server.curl("/f") == bytes) }
        let files = try #require(try server.stop().files)
        // There are file systems that are the page cache; then all of it is read from there.
        #expect(files.directReads == (isDropped ? 4 : 0) && files.reads > files.directReads)
        #expect(PageCache.residentByteCount(of: file, offset: 0, count: bytes.count) == bytes.count)
    }

    @Test("Ranges are what they ask for, at any offset", arguments: ["buffered", "direct"])
    func ranges(engine: String) throws {
        let bytes = FileServer.bytes(600_001)
        let server = try FileServer(["f": bytes], "--engine", engine)
        let seed = UInt64.random(in: 0 ... .max)
        print("ranges, \(engine): seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<25 {
            let first = Int.random(in: 0..<bytes.count, using: &generator)
            let last = Int.random(in: first..<bytes.count, using: &generator)
            #expect(try server.curl("/f", "-r", "\(first)-\(last)") == Array(bytes[first...last]), "\(first)-\(last)")
        }
        #expect(try server.curl("/f", "-r", "-10") == Array(bytes.suffix(10)))
        #expect(try server.curl("/f", "-r", "599999-") == Array(bytes.suffix(2)))
        #expect(
            try server.curl("/f", saying: "%{http_code} %header{content-range}", "-r", "5-9") == "206 bytes 5-9/600001")
        #expect(
            try server.curl("/f", saying: "%{http_code} %header{content-range}", "-r", "700000-")
                == "416 bytes */600001")
        try server.stop()
    }

    @Test("An interrupted download is resumed")
    func resume() throws {
        let bytes = FileServer.bytes(300_000)
        let server = try FileServer(["f": bytes])
        let part = server.path(of: "part")
        try Data(bytes[..<123_456]).write(to: URL(filePath: part))
        let curl = try ChildProcess("curl", ["-sS", "-C", "-", "-o", part, "http://\(server.host):\(server.port)/f"])
        #expect(try curl.waitForEnd() == .exited(0), "\(curl.standardError)")
        #expect(try [UInt8](Data(contentsOf: URL(filePath: part))) == bytes)
    }

    @Test("A small file is read once for all who ask in a second, and changes are seen", arguments: [true, false])
    func kept(isKept: Bool) throws {
        let files = [
            "a": FileServer.bytes(5000), "b": FileServer.bytes(100_000, seed: 2), "c": FileServer.bytes(300_000),
        ]
        let server = try FileServer(
            files, "--reactors", "1", "--cache-max-age", "0.5", "--cache-size", isKept ? "1000000" : "0")
        for _ in 0..<20 {
            for (name, bytes) in files { #expect(try server.curl("/\(name)") == bytes, "\(name)") }
        }
        // What is not the same for all is made anew.
        #expect(try server.curl("/a", "-r", "1-2") == Array(files["a"]![1...2]))
        #expect(try server.curl("/a", saying: "%{http_code} %{size_download}", "-I") == "200 0")
        #expect(try server.curl("/a", saying: "%header{connection}", "-H", "Connection: close") == "close")
        #expect(
            try server.curl("/a", saying: "%header{connection}", "--http1.0", "-H", "Connection: keep-alive")
                == "keep-alive")
        let tag = try server.curl("/a", saying: "%header{etag}")
        #expect(try server.curl("/a", saying: "%{http_code}", "-H", "If-None-Match: \(tag)") == "304")
        let other = FileServer.bytes(5000, seed: 3)
        try server.write(other, to: "a")
        usleep(700_000)
        for _ in 0..<3 { #expect(try server.curl("/a") == other) }
        let statistics = try server.stop()
        let kept = try #require(statistics.files?.keptResponses)
        #expect(isKept ? kept > 10 : kept == 0)
        #expect(statistics.connections.failed == 0 && statistics.files?.changedFiles == 0)
    }

    @Test("What is sent again tells the time")
    func keptDate() throws {
        let server = try FileServer(["f": FileServer.bytes(1000)], "--reactors", "1", "--cache-max-age", "60")
        func dates() throws -> Set<String> {
            try Set((0..<5).map { _ in try server.curl("/f", saying: "%header{date}") })
        }
        let first = try dates()
        usleep(2_300_000)
        #expect(try first.isDisjoint(with: dates()))
        #expect(try server.stop().files?.keptResponses ?? 0 > 0)
    }

    @Test("Conditions spare who has the file, and a change is seen when the kept one is a second old")
    func conditions() throws {
        let server = try FileServer(["f": FileServer.bytes(1000)], "--cache-max-age", "0.2")
        let tag = try server.curl("/f", saying: "%header{etag}")
        let date = try server.curl("/f", saying: "%header{last-modified}")
        #expect(tag.hasPrefix("\"") && date.hasSuffix("GMT"))
        #expect(
            try server.curl("/f", saying: "%{http_code} %{size_download}", "-H", "If-None-Match: \(tag)") == "304 0")
        #expect(try server.curl("/f", saying: "%{http_code}", "-H", "If-Modified-Since: \(date)") == "304")
        #expect(try server.curl("/f", saying: "%{http_code}", "-H", "If-Match: \"x\"") == "412")
        #expect(try server.curl("/f", saying: "%{http_code}", "-r", "0-1", "-H", "If-Range: \"x\"") == "200")
        #expect(try server.curl("/f", saying: "%{http_code}", "-r", "0-1", "-H", "If-Range: \(tag)") == "206")
        let other = FileServer.bytes(2000, seed: 2)
        try server.write(other, to: "f")
        usleep(300_000)
        #expect(try server.curl("/f") == other)
        #expect(try server.curl("/f", saying: "%{http_code}", "-H", "If-None-Match: \(tag)") == "200")
        #expect(try (server.stop().files?.openHits ?? 0) > 0)
    }

    @Test("HEAD has the head alone, and OPTIONS and others say what there is")
    func methods() throws {
        let server = try FileServer(["f.html": Array("<p>".utf8)])
        let what = "%{http_code} %header{content-length} %header{content-type} %{size_download}"
        #expect(try server.curl("/f.html", saying: what, "-I") == "200 3 text/html; charset=utf-8 0")
        let allow = "%{http_code} %header{allow}"
        #expect(try server.curl("/f.html", saying: allow, "-X", "OPTIONS") == "200 GET, HEAD, OPTIONS")
        #expect(try server.curl("/f.html", saying: allow, "-X", "DELETE") == "405 GET, HEAD, OPTIONS")
        #expect(try server.curl("/f.html", saying: "%{http_code}", "-X", "BREW") == "501")
        #expect(try server.curl("/f.html", saying: "%{http_code}", "-X", "GET", "-d", "body") == "413")
        try server.stop()
    }

    @Test("Requests share a connection, and who asks for its end gets it")
    func keepAlive() throws {
        let server = try FileServer(["a": [1], "b": [2, 2]])
        let url = "http://\(server.host):\(server.port)"
        let what = "%{num_connects} "
        let curl = try ChildProcess(
            "curl", ["-sS", "-o", "/dev/null", "-o", "/dev/null", "-w", what, "\(url)/a", "\(url)/b"])
        #expect(try curl.waitForEnd() == .exited(0))
        #expect(curl.standardOutput == "1 0 ")
        #expect(try server.curl("/a", saying: "%header{connection}", "-H", "Connection: close") == "close")
        #expect(
            try server.curl("/a", saying: "%header{connection}", "--http1.0", "-H", "Connection: keep-alive")
                == "keep-alive")
        #expect(try server.curl("/a", "--http1.0") == [1])
        #expect(try server.stop().connections.accepted == 4)
    }

    @Test("A directory is its index, redirected to with its slash; others are listed only where that is asked for")
    func directories() throws {
        let files: [String: [UInt8]] = ["a b/index.html": Array("index".utf8), "c/x": [1], "c/.y": [1], "top": [1]]
        let server = try FileServer(files)
        #expect(try server.curl("/a%20b?q=1", saying: "%{http_code} %header{location}") == "301 /a%20b/?q=1")
        #expect(try server.curl("/a%20b/") == Array("index".utf8))
        for path in ["/c/", "/", "/top/", "/none/"] { #expect(try server.curl(path, saying: "%{http_code}") == "404") }
        try server.stop()
        let listing = try FileServer(files, "--listing")
        let html = try String(decoding: listing.curl("/c/"), as: UTF8.self)
        #expect(html.contains("href=\"./x\"") && !html.contains(".y"))
        #expect(
            try listing.curl("/c/", saying: "%header{content-type}", "-H", "Accept: application/json")
                == "application/json")
        #expect(try String(decoding: listing.curl("/"), as: UTF8.self).contains("href=\"./a%20b/\""))
        for path in ["/top/", "/none/"] { #expect(try listing.curl(path, saying: "%{http_code}") == "404") }
        #expect(try listing.stop().files?.listings ?? 0 > 0)
        let all = try FileServer(files, "--listing", "--dotfiles", "--max-listing-entries", "1")
        #expect(try all.curl("/c/.y") == [1])
        #expect(try String(decoding: all.curl("/c/"), as: UTF8.self).contains("more than these 1 entries"))
    }

    @Test("Nothing but regular files beneath the root is served")
    func beneath() throws {
        let server = try FileServer(["in/file": [1], ".hidden": [1]])
        try Failure.check(symlink("/etc/passwd", server.path(of: "out")), "symlink")
        try Failure.check(symlink("..", server.path(of: "up")), "symlink")
        try Failure.check(symlink("in/file", server.path(of: "link")), "symlink")
        try Failure.check(mkfifo(server.path(of: "pipe"), 0o644), "mkfifo")
        try Failure.check(symlink("/dev/zero", server.path(of: "device")), "symlink")
        #expect(try server.curl("/link") == [1])
        for path in ["/out", "/up/", "/up/etc/passwd", "/pipe", "/device", "/.hidden", "/in/.hidden", "/none"] {
            #expect(try server.curl(path, saying: "%{http_code}") == "404", "\(path)")
        }
        for path in ["/../etc/passwd", "/in/..%2f..%2fetc/passwd", "/%2e%2e/x", "/in/%00", "/%c0%ae%c0%ae/"] {
            #expect(try server.curl(path, saying: "%{http_code}") == "400", "\(path)")
        }
        try server.stop()
    }

    @Test("A root that is none, or no directory, is an error that says so", arguments: ["/none/there", "/etc/passwd"])
    func noRoot(path: String) throws {
        let server = try ChildProcess(Program.pooledEcho, ["files", path, "--port", "0"])
        #expect(try server.waitForEnd() == .exited(1))
        #expect(server.standardError.contains("cannot serve '\(path)'"))
    }

    @Test("The access log has a line for each request, in the common format")
    func accessLog() throws {
        let log = FileManager.default.temporaryDirectory.appending(path: "zeropool-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: log) }
        // Each reactor hands over its own lines: of several, their order is only roughly that of time.
        let server = try FileServer(
            ["f": FileServer.bytes(70_000)], "--reactors", "1", "--access-log", log.path(percentEncoded: false))
        // The third may get what was kept of the second.
        for _ in 0..<3 { _ = try server.curl("/f") }
        _ = try server.curl("/n%22one", saying: "")
        _ = try server.curl("/f", saying: "", "-I")
        #expect(try server.stop().files?.droppedLogLines == 0)
        let lines = try String(contentsOf: log, encoding: .utf8).split(separator: "\n")
        try #require(lines.count == 5)
        #expect(lines.allSatisfy { $0.hasPrefix("127.0.0.1 - - [") && $0.contains(" +0000] \"") })
        #expect(lines[..<3].allSatisfy { $0.hasSuffix("] \"GET /f HTTP/1.1\" 200 70000") })
        #expect(lines[3].hasSuffix("] \"GET /n%22one HTTP/1.1\" 404 14"))
        #expect(lines[4].hasSuffix("] \"HEAD /f HTTP/1.1\" 200 -"))
    }
}
