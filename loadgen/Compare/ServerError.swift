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
