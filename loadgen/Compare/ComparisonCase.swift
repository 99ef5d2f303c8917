/// One load under which the contenders are compared.
enum ComparisonCase: Equatable, Sendable {
    case echo(EchoCase)
    case file(FileCase)

    var title: String {
        switch self {
        case .echo(let echo): echo.title
        case .file(let file): file.title
        }
    }

    /// The title in a narrow table.
    var shortTitle: String {
        switch self {
        case .echo(let echo): "echo \(Format.byteCount(echo.messageByteCount)) × \(echo.connections)"
        case .file(let file):
            "\(file.pageCache.rawValue) file \(Format.byteCount(file.fileByteCount)) × \(file.connections)"
        }
    }

    /// As it stands in a sentence.
    var name: String {
        switch self {
        case .echo(let echo): "echoes of \(Format.byteCount(echo.messageByteCount)) on \(echo.connections) connections"
        case .file(let file): "\(file.pageCache.rawValue) files of \(Format.byteCount(file.fileByteCount))"
        }
    }

    var kind: Workload.Kind {
        switch self {
        case .echo: .echo
        case .file(let file) where file.pageCache == .cold: .coldFile
        // Up to the size of a page or two the buffer is no part of the cost.
        case .file(let file): file.fileByteCount < 16 << 10 ? .smallFile : .hotFile
        }
    }

    var fileCase: FileCase? {
        guard case .file(let file) = self else { return nil }
        return file
    }
}

extension ComparisonCase: Encodable {
    /// As what it is of: the keys say which.
    func encode(to encoder: any Encoder) throws {
        switch self {
        case .echo(let echo): try echo.encode(to: encoder)
        case .file(let file): try file.encode(to: encoder)
        }
    }
}
