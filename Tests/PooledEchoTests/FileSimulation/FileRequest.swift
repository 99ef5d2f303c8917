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
