/// What a source file imports.
enum Imports {
    private static let kinds: Set<Substring> = [
        "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
    ]

    /// The modules that the import lines of a Swift source name; of `import struct A.B` that is `A`.
    static func modules(in source: String) -> Set<String> {
        var modules: Set<String> = []
        for statement in source.split(whereSeparator: { $0 == "\n" || $0 == ";" }) {
            let words = statement.split { $0 == " " || $0 == "\t" }
            guard let index = words.firstIndex(of: "import"), words[..<index].allSatisfy(isModifier) else { continue }
            let name = words[(index + 1)...].first { !kinds.contains($0) }
            if let module = name?.split(separator: ".").first { modules.insert(String(module)) }
        }
        return modules
    }

    private static func isModifier(_ word: Substring) -> Bool {
        word.hasPrefix("@") || ["public", "package", "internal", "fileprivate", "private"].contains(word)
    }
}
