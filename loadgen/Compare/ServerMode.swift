/// The buffer modes of the server that are compared; `malloc` is what the others are measured against.
enum ServerMode: String, CaseIterable, Codable, Sendable {
    case registered, pooled, malloc
}
