import Glibc
import HTTP1
import SystemSupport
import ZeroPool
import ZeroPoolReactor

/// How a response is made: its head, and how the bytes of its file move into blocks and out.
///
/// A connection holds two blocks at most: one is filled while the other is sent.
extension FileHandler {
    /// What happens to the connection after a response.
    enum Fate {
        case keepAlive
        case close
    }

    /// What follows a head.
    private enum Body {
        case none
        /// The status as a line of text.
        case text
        /// These bytes of a file.
        case file(FileCache.Index, Range<Int>, isDirect: Bool)

        var range: Range<Int> {
            if case .file(_, let range, _) = self { range } else { 0..<0 }
        }

        var isDirect: Bool {
            if case .file(_, _, let isDirect) = self { isDirect } else { false }
        }
    }

    /// A line for the access log.
    private struct LogEntry {
        var requestLine: [UInt8]
        var status: ResponseStatus
        var bodyByteCount: Int
    }

    nonisolated(nonsending) func respond(_ answer: Answer) async throws(IOError) -> Fate {
        switch answer {
        case .kept(let index):
            defer { endUse(index) }
            if connection.pendingBufferCount > 1 { try await waitForOutput(1) }
            if sendKept(index) { return .keepAlive }
            return try await respond(with: index, isDirect: false)
        case .file(let index, let isDirect):
            defer { endUse(index) }
            return try await respond(with: index, isDirect: isDirect)
        case .status(let response, let hasText, let location, let isLast):
            return try await respond(response, hasText ? .text : .none, location: location, isLast: isLast)
        }
    }

    // MARK: Kinds of responses

    /// Applies the request's conditions and range to a file.
    private func decision(_ file: OpenFile) -> RequestHead.Decision {
        guard file.kind == .regular else { return .whole }
        return input.value.withBytes { head.decision(in: $0, for: file.representation, now: server.now) }
    }

    /// The bytes of a file that the response needs.
    func wantedRange(of file: OpenFile) -> Range<Int> {
        guard head.method == .get else { return 0..<0 }
        switch decision(file) {
        case .whole: return 0..<file.representation.length
        case .part(let part): return part
        default: return 0..<0
        }
    }

    /// Whether every request like this gets the same response.
    var isPlain: Bool {
        head.method == .get && head.version == .http11 && !head.isConditional && head.keepsAlive
            && !connection.isDraining
    }

    /// Responds with a file, according to the request's conditions and range.
    private nonisolated(nonsending) func respond(
        with index: FileCache.Index, isDirect: Bool
    ) async throws(IOError) -> Fate {
        let file = server.cache.value[index]
        let length = file.representation.length
        let decision = decision(file)
        var response = ResponseHead(.ok)
        var range = 0..<length
        switch decision {
        case .whole: break
        case .part(let part):
            response.status = .partialContent
            response.contentRange = .part(part, of: length)
            range = part
        case .notModified:
            response.status = .notModified
            range = 0..<0
        case .preconditionFailed: return try await respond(ResponseHead(.preconditionFailed), .text)
        case .rangeNotSatisfiable:
            response.status = .rangeNotSatisfiable
            response.contentRange = .unsatisfied(of: length)
            return try await respond(response, .text)
        }
        if response.status != .notModified {
            response.contentType = file.contentType
            response.contentLength = range.count
        }
        if file.kind == .regular {
            response.acceptsRanges = true
            response.entityTag = file.representation.entityTag
            response.lastModified = file.representation.lastModified
        } else {
            response.otherFields = "Vary: Accept\r\nCache-Control: no-cache\r\n"
        }
        let isGet = head.method == .get
        return try await respond(
            response, isGet ? .file(index, range, isDirect: isDirect) : .none,
            isForAll: isGet && decision == .whole && file.kind == .regular)
    }

    /// Sends the response that is cached with a file. - Returns: false when there is none any more.
    private func sendKept(_ index: FileCache.Index) -> Bool {
        guard isPlain, let response = server.cache.value.response(index) else { return false }
        server.counts.value.keptResponses += 1
        server.count(.ok)
        if server.isLogging { log(logEntry(.ok, server.cache.value[index].representation.length), lackingByteCount: 0) }
        input.value.consume(byteCount: head.byteCount)
        connection.enqueue(response)
        return true
    }

    // MARK: Responding

    /// - Parameters:
    ///   - isForAll: Whether every request like this gets the same.
    ///   - isLast: Whether the connection ends with it in any case.
    private nonisolated(nonsending) func respond(
        _ response: ResponseHead, _ body: Body, location: [UInt8] = [], isForAll: Bool = false, isLast: Bool = false
    ) async throws(IOError) -> Fate {
        let range = body.range
        let room =
            ResponseHead.maxByteCount + location.count + (response.otherFields?.utf8CodeUnitCount ?? 0) + 64
        try await waitForOutput(1)
        var block = try await reactor.buffer(
            byteCount: body.isDirect ? room : max(room, min(room + range.count, configuration.blockByteCount)),
            atLeast: room)
        // Nothing is known about a head that was refused.
        let isLast = isLast || !hasHead || !head.keepsAlive || connection.isDraining
        var response = response
        response.date = server.dateText
        response.connection = isLast ? .close : head.version == .http10 ? .keepAlive : .unstated
        var text: StaticString?
        if case .text = body {
            response.contentType = .plainText
            response.contentLength = response.status.text.utf8CodeUnitCount + 1
            if !(hasHead && head.method == .head) { text = response.status.text }
        }
        write(response, location: location, text: text, to: &block)
        server.count(response.status)
        let textByteCount = text.map { $0.utf8CodeUnitCount + 1 } ?? 0
        let entry = server.isLogging ? logEntry(response.status, range.count + textByteCount) : nil
        if isLast { input.value.removeAll() } else if hasHead { input.value.consume(byteCount: head.byteCount) }

        guard case .file(let index, _, let isDirect) = body, !range.isEmpty else {
            if let entry { log(entry, lackingByteCount: 0) }
            connection.enqueue(block)
            return isLast ? .close : .keepAlive
        }
        connection.isWithinMessage = true
        var remaining = range
        // After an error the connection is still within the message, so it is reset.
        defer { if let entry { log(entry, lackingByteCount: remaining.count) } }
        if isDirect {
            connection.enqueue(block)
            try await sendDirect(server.cache.value[index], index, &remaining)
        } else {
            let mayKeep = isForAll && block.capacity - block.count >= range.count && response.connection == .unstated
            try await sendBuffered(server.cache.value[index], index, &remaining, block, mayKeep: mayKeep)
        }
        return isLast ? .close : .keepAlive
    }

    private func write(
        _ response: ResponseHead, location: [UInt8], text: StaticString?, to block: inout PooledBuffer
    ) {
        block.append { output in
            let isWritten = unsafe response.append(to: &output, location: location.span.bytes)
            precondition(isWritten, "there was room for the head")
            if let text {
                output.append(text)
                output.append(UInt8(ascii: "\n"))
            }
        }
    }

    // MARK: Bodies

    /// A read that ends before its range does ends at a multiple of this, so that later reads are of whole pages.
    private static var pageByteCount: Int { 4096 }

    /// Sends bytes of a file through the page cache, the first ones behind the head in `first`.
    private nonisolated(nonsending) func sendBuffered(
        _ file: OpenFile, _ index: FileCache.Index, _ remaining: inout Range<Int>, _ first: consuming PooledBuffer,
        mayKeep: Bool
    ) async throws(IOError) {
        let isChecked = remaining.count >= configuration.checkedByteCount
        var next: PooledBuffer? = consume first
        while true {
            var block: PooledBuffer
            if let first = next.take() {
                block = first
            } else {
                try await waitForOutput(1)
                block = try await reactor.buffer(
                    byteCount: min(remaining.count, configuration.blockByteCount), atLeast: 4096)
            }
            var end = min(remaining.upperBound, remaining.lowerBound + block.capacity - block.count)
            let pageEnd = end & ~(Self.pageByteCount - 1)
            if end < remaining.upperBound, pageEnd > remaining.lowerBound { end = pageEnd }
            while remaining.lowerBound < end {
                let written = block.count
                block = try await read(
                    file, index, into: block, byteCount: end - remaining.lowerBound, at: remaining.lowerBound)
                guard block.count > written else { throw fileChanged(index) }
                remaining = remaining.lowerBound + block.count - written..<remaining.upperBound
            }
            if remaining.isEmpty {
                if isChecked { try await check(file, index) }
                connection.isWithinMessage = false
                return connection.enqueue(mayKeep ? server.cache.value.keep(block, with: index) : block)
            }
            connection.enqueue(block)
        }
    }

    /// An alignment that every device with direct reads accepts. The status of a file that needs more says so.
    private static var leastAlignment: Int { 4096 }
    /// The size of a direct read for a part that begins within a page. The part moves to the front of its block, so a
    /// short read keeps the move small.
    private static var unalignedByteCount: Int { 64 * 1024 }

    /// Sends bytes of a file past the page cache: reads of aligned offsets and lengths, into blocks of their own.
    private nonisolated(nonsending) func sendDirect(
        _ file: OpenFile, _ index: FileCache.Index, _ remaining: inout Range<Int>
    ) async throws(IOError) {
        let isChecked = remaining.count >= configuration.checkedByteCount
        let alignment = max(Self.leastAlignment, file.status.directOffsetAlignment)
        while true {
            try await waitForOutput(1)
            let start = remaining.lowerBound & ~(alignment - 1)
            let skipped = remaining.lowerBound - start
            let limit = skipped == 0 ? configuration.directBlockByteCount : Self.unalignedByteCount
            let wanted = (skipped + remaining.count + alignment - 1) & ~(alignment - 1)
            var block = try await reactor.buffer(byteCount: min(wanted, max(limit, alignment)), atLeast: alignment)
            let byteCount = min(wanted, block.capacity & ~(alignment - 1))
            server.counts.value.directReads += 1
            block = try await read(file, index, into: block, byteCount: byteCount, at: start)
            let count = keepWanted(&block, skipped: skipped, limit: remaining.count)
            guard count > 0 else { throw fileChanged(index) }
            remaining = remaining.lowerBound + count..<remaining.upperBound
            if remaining.isEmpty {
                if isChecked { try await check(file, index) }
                connection.isWithinMessage = false
                return connection.enqueue(block)
            }
            connection.enqueue(block)
        }
    }

    /// Moves the bytes that the response wants to the front. - Returns: how many; 0 where the file has ended.
    private func keepWanted(_ block: inout PooledBuffer, skipped: Int, limit: Int) -> Int {
        let count = min(max(0, block.count - skipped), limit)
        if skipped > 0, count > 0 {
            // SAFETY: both places are within what was read.
            unsafe memmove(block.baseAddress, block.baseAddress + skipped, count)
        }
        block.truncate(to: count)
        return count
    }

    private nonisolated(nonsending) func read(
        _ file: OpenFile, _ index: FileCache.Index, into block: consuming PooledBuffer, byteCount: Int, at offset: Int
    ) async throws(IOError) -> PooledBuffer {
        guard let open = file.file else { preconditionFailure("what is sent is open") }
        server.counts.value.reads += 1
        do throws(IOError) {
            return try await open.read(into: block, byteCount: byteCount, at: offset)
        } catch {
            if error.reason == .system { server.counts.value.failedReads += 1 }
            server.cache.value.evict(index)
            connection.reset()
            throw error
        }
    }

    /// Fails the connection unless the file is still what the response's head promised.
    ///
    /// The time of the last status change does not count: links and permissions change it while the bytes stay the
    /// same.
    private nonisolated(nonsending) func check(_ file: OpenFile, _ index: FileCache.Index) async throws(IOError) {
        let status = try? await file.file?.currentStatus()
        guard let status, status.byteCount == file.status.byteCount, status.modified == file.status.modified,
            status.number == file.status.number
        else { throw fileChanged(index) }
    }

    /// Fails the connection because the file is not what the response's head promised: the client must not take what
    /// was sent for the whole file.
    private func fileChanged(_ index: FileCache.Index) -> IOError {
        server.counts.value.changedFiles += 1
        server.cache.value.evict(index)
        connection.fail(.read, errno: EIO)
        return IOError(.read, errno: EIO)
    }

    // MARK: Slow readers

    /// The time after which a peer has taken too long for the send in flight; nil for no limit.
    var sendDeadline: Deadline? {
        guard configuration.minBytesPerSecond > 0 else { return nil }
        let seconds = Double(connection.sendingByteCount) / Double(configuration.minBytesPerSecond)
        return reactor.deadline(afterSeconds: configuration.slowGraceSeconds + seconds)
    }

    /// Waits until at most `count` blocks are held. A peer that takes too long for one is cut.
    nonisolated(nonsending) func waitForOutput(_ count: Int) async throws(IOError) {
        while connection.pendingBufferCount > count {
            do throws(IOError) {
                try await connection.flush(to: connection.pendingBufferCount - 1, deadline: sendDeadline)
            } catch {
                guard error.reason == .deadline else { throw error }
                try cutSlowReader()
            }
        }
    }

    func cutSlowReader() throws(IOError) {
        server.counts.value.slowReaders += 1
        connection.reset()
        throw IOError(.send, errno: ETIMEDOUT)
    }

    // MARK: The log

    /// Must be called while the request is still in the input.
    private func logEntry(_ status: ResponseStatus, _ bodyByteCount: Int) -> LogEntry {
        let range = hasHead ? head.requestLine : refusedRequestLine
        let requestLine = input.value.withBytes { bytes in
            unsafe bytes.extracting(range).withUnsafeBytes { unsafe Array($0) }
        }
        return LogEntry(requestLine: requestLine, status: status, bodyByteCount: bodyByteCount)
    }

    private func log(_ entry: LogEntry, lackingByteCount: Int) {
        server.log(
            client: Array((connection.peerAddress?.description ?? "-").utf8), requestLine: entry.requestLine,
            status: entry.status, bodyByteCount: entry.bodyByteCount - lackingByteCount)
    }
}

extension OutputRawSpan {
    /// Appends ASCII text; traps when it does not fit.
    mutating func append(_ text: StaticString) {
        for offset in 0..<text.utf8CodeUnitCount { append(unsafe text.utf8Start[offset]) }
    }
}

extension [UInt8] {
    /// The bytes that `body` writes into a span of this capacity.
    init(capacity: Int, _ body: (inout OutputRawSpan) -> Void) {
        self = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            let memory = UnsafeMutableRawBufferPointer(buffer)
            var output = unsafe OutputRawSpan(buffer: memory, initializedCount: 0)
            body(&output)
            count = unsafe output.finalize(for: memory)
        }
    }
}
