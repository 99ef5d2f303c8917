/// One load under which the modes are compared.
enum ComparisonCase: Equatable, Sendable {
    case echo(EchoCase)
    case file(FileCase)

    var title: String {
        switch self {
        case .echo(let echo): echo.title
        case .file(let file): file.title
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
