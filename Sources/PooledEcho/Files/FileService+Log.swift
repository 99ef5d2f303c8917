import HTTP1

/// Lines of the access log: gathered, and handed over at every tick, or sooner when they are many.
extension FileService {
    private static var handOverByteCount: Int { 64 * 1024 }

    /// A response begins: what is to be said of it when it ends, while the request is still there.
    func noteForLog(_ status: ResponseStatus, bodyByteCount: Int, _ place: PlacePointer) {
        let range =
            unsafe place.pointee.hasHead ? place.pointee.head.requestLine : place.pointee.parser.requestLine ?? 0..<0
        let requestLine = unsafe place.pointee.input.withBytes { bytes in
            unsafe bytes.extracting(range).withUnsafeBytes { unsafe Array($0) }
        }
        unsafe place.pointee.logEntry = FilePlace.LogEntry(
            requestLine: requestLine, status: status, bodyByteCount: bodyByteCount)
    }

    /// The response has ended; of its body so many bytes were never read.
    func log(_ entry: FilePlace.LogEntry, lackingByteCount: Int, _ place: PlacePointer) {
        let client = unsafe place.pointee.client
        let capacity = CommonLog.maxByteCount(
            clientByteCount: client.count, requestLineByteCount: entry.requestLine.count)
        unsafe logLines += [UInt8](capacity: capacity) { output in
            _ = unsafe CommonLog.append(
                client: client.span.bytes, date: now, requestLine: entry.requestLine.span.bytes, status: entry.status,
                bodyByteCount: entry.bodyByteCount - lackingByteCount, to: &output)
        }
        if unsafe logLines.count >= Self.handOverByteCount { handOverLog() }
    }

    func handOverLog() {
        guard let accessLog, unsafe !logLines.isEmpty else { return }
        if unsafe !accessLog.append(logLines) { unsafe statistics.droppedLogLines += logLines.count { $0 == 10 } }
        unsafe logLines.removeAll(keepingCapacity: true)
    }
}
