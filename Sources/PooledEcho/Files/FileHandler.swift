import Glibc
import HTTP1
import SystemSupport
import ZeroPool
import ZeroPoolReactor

/// Serves one HTTP/1.1 connection: reads a request, finds its file, responds, and goes on to the next.
///
/// `run` is the whole of it from top to bottom. `FileHandler+Response.swift` writes heads and moves bodies.
///
/// Rules:
/// 1. Requests are answered in order. The next one is read while at most two blocks of the previous response are
///    held.
/// 2. After the last response (one that closes, or any while the server drains) nothing more is read.
/// 3. A file that ends before its promised end, or is not what it was when its response began, resets the connection: what is
///    missing is never made up.
final class FileHandler {
    let connection: Connection
    let server: FileServer
    var reactor: Reactor { server.reactor }
    var configuration: FilesConfiguration { server.configuration }

    let input = Box(RequestInput())
    private let parser: Box<RequestParser>
    /// The request being answered. Its ranges are positions in the input, valid until the response begins.
    private let headBox = Box(RequestHead())
    var head: RequestHead { headBox.value }
    /// Whether there is a whole head at the start of the input.
    var hasHead = false

    init(_ connection: Connection, _ server: FileServer) {
        self.connection = connection
        self.server = server
        parser = Box(RequestParser(limits: server.configuration.headLimits))
    }

    /// Answers requests until the last one.
    nonisolated(nonsending) func run() async throws(IOError) {
        server.connectionBegan()
        defer { server.connectionEnded() }
        while let answer = try await nextAnswer() {
            if try await respond(answer) == .close { break }
        }
        try await waitForOutput(0)
    }

    /// How a request is answered.
    enum Answer {
        /// This file, in use until its response ends.
        case file(FileCache.Index, isDirect: Bool)
        /// The response cached with this file, which is in use until its response ends.
        case kept(FileCache.Index)
        /// A head and at most a line of text.
        case status(ResponseHead, hasText: Bool = true, location: [UInt8] = [], isLast: Bool = false)

        static func refusal(_ status: ResponseStatus, isLast: Bool = false) -> Answer {
            .status(ResponseHead(status), isLast: isLast)
        }
    }

    // MARK: Requests

    /// Reads a request and says how to answer it; nil when no more come.
    private nonisolated(nonsending) func nextAnswer() async throws(IOError) -> Answer? {
        parser.value = RequestParser(limits: configuration.headLimits)
        hasHead = false
        var headDeadline: Deadline?
        while true {
            switch input.value.isEmpty ? .incomplete : parse() {
            case .head(let head):
                headBox.value = head
                hasHead = true
                return try await answer()
            case .refused(let refusal):
                if refusal == .headTooLarge || refusal == .targetTooLong { server.counts.value.oversizedHeads += 1 }
                return .refusal(refusal.status, isLast: true)
            case .incomplete: break
            }
            if input.value.gather() { continue }
            if !input.value.isEmpty, headDeadline == nil {
                headDeadline = reactor.deadline(afterSeconds: configuration.headSeconds)
            }
            switch try await receive(headDeadline) {
            case .some(let lease): input.value.append(lease)
            case .none where isHeadLate:
                server.counts.value.slowHeads += 1
                return .refusal(.requestTimeout, isLast: true)
            case .none: return nil
            }
        }
    }

    /// The request line of a head that is being refused, as far as it was parsed.
    var refusedRequestLine: Range<Int> { parser.value.requestLine ?? 0..<0 }

    private func parse() -> RequestParser.Outcome { input.value.withBytes { parser.value.parse($0) } }

    /// Whether the last receive ended by the deadline of a head.
    private var isHeadLate = false

    /// Receives more input; nil at its end, and when a head is late. Meanwhile, cuts a peer that does not take what
    /// it was sent.
    private nonisolated(nonsending) func receive(_ headDeadline: Deadline?) async throws(IOError) -> PooledBuffer? {
        isHeadLate = false
        while true {
            let pendingCount = connection.pendingBufferCount
            do throws(IOError) {
                return try await connection.receive(deadline: headDeadline ?? (pendingCount > 0 ? sendDeadline : nil))
            } catch {
                guard error.reason == .deadline else { throw error }
                if headDeadline != nil {
                    isHeadLate = true
                    return nil
                }
                if pendingCount > 0, connection.pendingBufferCount == pendingCount { try cutSlowReader() }
            }
        }
    }

    // MARK: Finding files

    /// Answers by the head alone, or goes on to the file.
    private nonisolated(nonsending) func answer() async throws(IOError) -> Answer {
        let hasBody = head.body != .none
        switch head.method {
        case .get, .head:
            // The server does not read bodies, but would have to find the body's end to find the next request.
            if hasBody { return .refusal(.contentTooLarge, isLast: true) }
        case .options: return allow(.ok, isLast: hasBody)
        case .other: return .refusal(.notImplemented, isLast: hasBody)
        case .post, .put, .delete, .patch, .trace, .connect: return allow(.methodNotAllowed, isLast: hasBody)
        }
        switch decodePath() {
        case .refused(let refusal): return .refusal(refusal.status, isLast: true)
        case .decoded(let path) where path.hasHiddenSegment && !configuration.servesDotfiles: return .refusal(.notFound)
        case .decoded(let path):
            // Most requests end here, without the cost of another async function.
            if isPlain, !path.endsInSlash, let index = findResponse() { return .kept(index) }
            return try await path.endsInSlash ? answerDirectory() : answerFile()
        }
    }

    /// Begins a use of the file at the decoded path, if it has a cached response.
    private func findResponse() -> FileCache.Index? {
        guard let index = server.path.value.withBytes({ server.cache.value.find($0, .file) }) else { return nil }
        guard server.cache.value.hasResponse(index) else {
            endUse(index)
            return nil
        }
        server.counts.value.openHits += 1
        return index
    }

    private func allow(_ status: ResponseStatus, isLast: Bool) -> Answer {
        var response = ResponseHead(status)
        response.allow = "GET, HEAD, OPTIONS"
        if status == .ok { response.contentLength = 0 }
        return .status(response, hasText: status != .ok, isLast: isLast)
    }

    /// Puts the request's path into the server's buffer, where it is valid until the next await.
    private func decodePath() -> RequestPath.Outcome {
        input.value.withBytes { server.path.value.decode($0.extracting(head.path)) }
    }

    private nonisolated(nonsending) func answerFile() async throws(IOError) -> Answer {
        let index = try await use(.file)
        switch server.cache.value[index].kind {
        case .regular: return try await bestAnswer(index, isIndex: false)
        case .directory:
            endUse(index)
            return redirect()
        case .absent(let errno):
            endUse(index)
            return .refusal(OpenFile.refusal(errno: errno))
        case .other, .listing:
            endUse(index)
            return .refusal(.notFound)
        }
    }

    /// Answers for a directory with its index.html, or with its listing.
    private nonisolated(nonsending) func answerDirectory() async throws(IOError) -> Answer {
        let index = try await use(.file, isIndex: true)
        switch server.cache.value[index].kind {
        case .regular: return try await bestAnswer(index, isIndex: true)
        case .directory, .other, .absent(ENOENT): break
        case .absent(let errno):
            endUse(index)
            return .refusal(OpenFile.refusal(errno: errno))
        case .listing: preconditionFailure("an index is a file")
        }
        endUse(index)
        guard configuration.listsDirectories else { return .refusal(.notFound) }
        let listing = try await use(listingFormat == .html ? .htmlListing : .jsonListing)
        if case .absent(let errno) = server.cache.value[listing].kind {
            endUse(listing)
            return .refusal(OpenFile.refusal(errno: errno))
        }
        return .file(listing, isDirect: false)
    }

    /// How a regular file is best read.
    private nonisolated(nonsending) func bestAnswer(
        _ index: FileCache.Index, isIndex: Bool
    ) async throws(IOError) -> Answer {
        if isPlain, server.cache.value.hasResponse(index) { return .kept(index) }
        guard wantsDirect(server.cache.value[index], isIndex: isIndex) else { return .file(index, isDirect: false) }
        let direct: FileCache.Index
        do throws(IOError) {
            direct = try await use(.direct, isIndex: isIndex)
        } catch {
            endUse(index)
            throw error
        }
        // If the file system has no direct reads, or the file is gone, use the file that is open for the page cache.
        guard server.cache.value[direct].kind == .regular else {
            endUse(direct)
            return .file(index, isDirect: false)
        }
        endUse(index)
        return .file(direct, isDirect: true)
    }

    /// Begins a use of what the request's path leads to, which is opened unless it is cached.
    private nonisolated(nonsending) func use(
        _ aspect: FileCache.Aspect, isIndex: Bool = false
    ) async throws(IOError) -> FileCache.Index {
        _ = decodePath()
        if isIndex { server.path.value.appendIndex() }
        if let index = server.path.value.withBytes({ server.cache.value.find($0, aspect) }) {
            server.counts.value.openHits += 1
            return index
        }
        let path = server.path.value.bytes
        let file: OpenFile
        switch aspect {
        case .file, .direct:
            server.counts.value.opens += 1
            file = try await open(path, aspect == .direct ? [.read, .direct] : .read)
        case .htmlListing, .jsonListing:
            server.counts.value.listings += 1
            file = try await list(path, aspect == .htmlListing ? .html : .json)
        }
        return unsafe server.add(file, path: path.span.bytes, aspect)
    }

    private nonisolated(nonsending) func open(_ path: [UInt8], _ options: OpenOptions) async throws(IOError) -> OpenFile
    {
        do throws(IOError) {
            let file = try await reactor.open(path: path, beneath: server.root, options)
            return unsafe OpenFile(file, path: path.span.bytes, listing: nil)
        } catch {
            guard error.reason == .system else { throw error }
            return OpenFile(errno: error.errno)
        }
    }

    private nonisolated(nonsending) func list(_ path: [UInt8], _ format: ListingFormat) async throws(IOError)
        -> OpenFile
    {
        guard let lister = server.lister else { preconditionFailure("who lists directories has a lister") }
        do throws(IOError) {
            let directory = try await reactor.open(
                path: path.isEmpty ? [UInt8(ascii: ".")] : path, beneath: server.root, [.read, .directory])
            let listing = try await lister.list(directory, as: format, on: reactor)
            return unsafe OpenFile(listing, path: path.span.bytes, listing: format)
        } catch {
            guard error.reason == .system else { throw error }
            return OpenFile(errno: error.errno)
        }
    }

    func endUse(_ index: FileCache.Index) { server.cache.value.end(index) }

    /// Whether the bytes that the request wants are better read past the page cache.
    private func wantsDirect(_ file: OpenFile, isIndex: Bool) -> Bool {
        guard configuration.engine != .buffered else { return false }
        let range = wantedRange(of: file)
        switch configuration.engine {
        case .buffered: return false
        case .direct: return !range.isEmpty
        case .auto:
            guard range.count >= configuration.directByteCount, let open = file.file, !open.isResident(range) else {
                return false
            }
            return range.count >= FilesConfiguration.alwaysDirectByteCount || !wasDirect(isIndex: isIndex)
        }
    }

    /// Whether the file was requested recently, and was then read past the page cache.
    private func wasDirect(isIndex: Bool) -> Bool {
        _ = decodePath()
        if isIndex { server.path.value.appendIndex() }
        return server.path.value.withBytes { server.cache.value.isCached($0, .direct) }
    }

    /// Redirects to the directory's path with a slash.
    private func redirect() -> Answer {
        _ = decodePath()
        let query = input.value.withBytes { bytes in
            unsafe bytes.extracting(head.query).withUnsafeBytes { unsafe Array($0) }
        }
        let location = server.path.value.withBytes { path in
            [UInt8](capacity: 3 * path.byteCount + query.count + 2) { output in
                output.append(UInt8(ascii: "/"))
                _ = Escaping.append(percentEncoding: path, to: &output)
                output.append(UInt8(ascii: "/"))
                for byte in query { output.append(byte) }
            }
        }
        return .status(ResponseHead(.movedPermanently), location: location)
    }

    /// JSON for clients that prefer it to HTML or accept nothing else. Browsers get HTML, and so do clients that accept anything.
    private var listingFormat: ListingFormat {
        var html = MediaQuality(of: "text/html")
        var json = MediaQuality(of: "application/json")
        input.value.withBytes { bytes in
            head.forEachValue(of: .accept, in: bytes) { value in
                html.add(value)
                json.add(value)
                return true
            }
        }
        return json.isAbove(html) ? .json : .html
    }
}

/// The bytes of a connection that no request has taken: one lease that is being read, and at most one behind it.
///
/// A head that is incomplete in the first lease is completed there: its bytes move to the front, and what follows is
/// copied behind them. So a head that fits a lease is always in one piece, and most heads are never copied.
struct RequestInput: ~Copyable {
    private var lease: PooledBuffer?
    private var next: PooledBuffer?
    /// Where the unread bytes begin, in the first lease and in the next one.
    private var start = 0
    private var nextStart = 0

    var isEmpty: Bool { Self.isNone(lease) }

    /// Whether the next lease has to be gathered before another can be appended.
    var hasNext: Bool { !Self.isNone(next) }

    private static func isNone(_ lease: borrowing PooledBuffer?) -> Bool {
        switch lease {
        case .none: true
        case .some: false
        }
    }

    /// Adds a received lease. Traps when `hasNext`.
    mutating func append(_ newLease: consuming PooledBuffer) {
        precondition(!hasNext, "a lease is gathered before the next comes")
        if isEmpty {
            lease = consume newLease
            start = 0
        } else {
            next = consume newLease
            nextStart = 0
        }
    }

    /// Calls `body` with the unread bytes of the first lease; with none when there is none.
    func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result {
        switch lease {
        case .none: body(RawSpan())
        case .some(let lease): body(lease.bytes.extracting(start..<lease.count))
        }
    }

    /// Moves bytes of the next lease into the first. - Returns: false when there were none, or no room.
    mutating func gather() -> Bool {
        guard hasNext, var first = lease.take(), let following = next.take() else { return false }
        let kept = first.count - start
        // SAFETY: both places are within the written bytes.
        _ = unsafe memmove(first.baseAddress, first.baseAddress + start, kept)
        first.truncate(to: kept)
        start = 0
        let count = min(first.capacity - kept, following.count - nextStart)
        // SAFETY: they are written bytes.
        unsafe first.append(
            copying: UnsafeRawBufferPointer(start: following.baseAddress + nextStart, count: count).bytes)
        lease = consume first
        nextStart += count
        if nextStart < following.count { next = consume following }
        return count > 0
    }

    /// Removes the first `byteCount` bytes, which were read.
    mutating func consume(byteCount: Int) {
        guard let first = lease.take() else { preconditionFailure("only what is there is read") }
        start += byteCount
        if start < first.count {
            lease = consume first
        } else {
            lease = next.take()
            (start, nextStart) = (nextStart, 0)
        }
    }

    mutating func removeAll() {
        lease = nil
        next = nil
        (start, nextStart) = (0, 0)
    }
}
