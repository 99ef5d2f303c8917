import ZeroPoolURing

@testable import ZeroPoolReactor

/// A request of a simulated client.
struct FileRequest {
    var method = "GET"
    /// As it is sent, with its slash.
    var path: String
    /// First and last byte.
    var range: ClosedRange<Int>?
    var isLast = false
    var isMalformed = false

    var text: [UInt8] {
        var lines = ["\(method) \(path) HTTP/1.1", "Host: test"]
        if let range { lines.append("Range: bytes=\(range.lowerBound)-\(range.upperBound)") }
        if isLast { lines.append("Connection: close") }
        if isMalformed { lines.append("No colon") }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    /// What it leads to, beneath the root.
    var name: String {
        let name = String(path.dropFirst())
        return path.hasSuffix("/") ? name + "index.html" : name
    }
}

/// Holds what a server sent on a connection against what it was asked for, and against all that the files have ever been.
struct ResponseCheck {
    private let bytes: [UInt8]
    private let files: SimulatedFiles
    /// Whether a response must be of one version of its file.
    private let isStrict: Bool
    private let mayFail: Bool
    private var offset = 0
    private(set) var responseCount = 0
    /// Whether the last response is there to its end.
    private(set) var isWhole = true
    /// Whether every request was answered, as far as the server may not have closed before.
    private(set) var isComplete = false

    init(_ bytes: [UInt8], _ files: SimulatedFiles, isStrict: Bool, mayFail: Bool) {
        self.bytes = bytes
        self.files = files
        self.isStrict = isStrict
        self.mayFail = mayFail
    }

    private struct Head {
        var status = 0
        var length = 0
        var isLast = false
        /// Of a part: its first byte, and the length of the whole.
        var first = 0
        var whole: Int?
    }

    /// - Returns: the rule that was broken.
    mutating func run(_ requests: [FileRequest]) -> StaticString? {
        for request in requests {
            guard offset < bytes.count else { return nil }
            guard let head = takeHead() else {
                isWhole = false
                return nil
            }
            responseCount += 1
            if head.status == 0 { return "a response has a head that can be read" }
            if let violation = check(head, request) { return violation }
            guard isWhole else { return nil }
            if head.isLast {
                isComplete = true
                break
            }
        }
        if responseCount == requests.count { isComplete = true }
        return offset == bytes.count ? nil : "nothing follows the last response"
    }

    private mutating func takeHead() -> Head? {
        let end: [UInt8] = [13, 10, 13, 10]
        guard
            let start = bytes[offset...].indices.first(where: {
                bytes.count - $0 >= 4 && bytes[$0..<$0 + 4].elementsEqual(end)
            })
        else { return nil }
        let text = String(decoding: bytes[offset..<start], as: UTF8.self)
        offset = start + 4
        var head = Head()
        for (index, line) in text.split(separator: "\r\n").enumerated() {
            if index == 0 {
                guard line.hasPrefix("HTTP/1.1 ") else { return Head() }
                head.status = Int(line.dropFirst(9).prefix(3)) ?? 0
            } else if line.hasPrefix("Content-Length: ") {
                head.length = Int(line.dropFirst(16)) ?? -1
            } else if line.hasPrefix("Content-Range: bytes ") {
                let numbers = line.dropFirst(21).split { $0 == "-" || $0 == "/" }.compactMap { Int($0) }
                if numbers.count == 3 { (head.first, head.whole) = (numbers[0], numbers[2]) }
            } else if line == "Connection: close" {
                head.isLast = true
            }
        }
        return head
    }

    private mutating func check(_ head: Head, _ request: FileRequest) -> StaticString? {
        let start = offset
        // Of what is refused before its method is known, nobody knows that it wants no body.
        let isKnown = ![400, 408, 414, 431].contains(head.status)
        let length = request.method == "HEAD" && isKnown ? 0 : head.length
        offset = min(bytes.count, start + length)
        isWhole = offset == start + length
        let body = bytes[start..<offset]
        if request.isMalformed {
            return head.status == 400 || head.status == 431 || head.status == 408 ? nil : "nonsense is refused"
        }
        let isShown = request.method == "GET" || request.method == "HEAD"
        let history = files.history[request.name] ?? []
        let kinds = history.map(\.kind)
        switch head.status {
        case 200 where request.method == "OPTIONS": return nil
        case 405: return request.method == "POST" ? nil : "files can be got"
        case 200, 206:
            guard isShown else { return "only GET and HEAD get files" }
            if head.status == 206, head.whole == nil || request.range == nil {
                return "a part is for who asked for one"
            }
            return checkBody(body, head, request, history)
        case 301: return files.history[request.name]?.first?.kind == .directory ? nil : "only directories redirect"
        case 404:
            let isThere = kinds.contains(.regular) && !files.wasAbsent.contains(request.name)
            return isThere && !mayFail ? "what is there is found" : nil
        case 416:
            let isBeyond = history.contains { $0.versions.contains { $0.byteCount <= request.range?.lowerBound ?? -1 } }
            return isBeyond ? nil : "a range within the file is satisfied"
        case 403, 500, 503: return mayFail ? nil : "nothing fails without a reason"
        case 408, 414, 431: return head.isLast ? nil : "who is refused at its head is closed"
        default: return "a response has a status of ours"
        }
    }

    private func checkBody(
        _ body: ArraySlice<UInt8>, _ head: Head, _ request: FileRequest, _ history: [SimulatedFiles.File]
    ) -> StaticString? {
        let candidates = history.filter { $0.kind == .regular }
        let whole = head.whole ?? head.length
        let versions = candidates.flatMap(\.versions)
        guard versions.contains(where: { $0.byteCount == whole }) else { return "a length is one that the file had" }
        func holds(_ version: SimulatedFiles.Version, _ range: Range<Int>) -> Bool {
            body[body.startIndex + range.lowerBound..<body.startIndex + range.upperBound].elementsEqual(
                SimulatedFiles.bytes(version, head.first + range.lowerBound..<head.first + range.upperBound))
        }
        if versions.contains(where: { $0.byteCount == whole && holds($0, 0..<body.count) }) { return nil }
        if isStrict, isWhole, request.method != "HEAD" { return "a response is of one version of its file" }
        // What is not whole, or not checked, may be of several: each byte is of one of them.
        let all = versions.map { SimulatedFiles.bytes($0, head.first..<head.first + body.count) }
        for (index, byte) in body.enumerated() where !all.contains(where: { $0[index] == byte }) {
            return "a response has the bytes of its file, and of no other"
        }
        return nil
    }
}
