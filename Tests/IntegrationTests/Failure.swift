import Glibc

/// Why a test can't go on: a sentence for who reads its output.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// Throws when a call of the system failed.
    static func check(_ result: Int32, _ call: String) throws {
        guard result == 0 else { throw Failure("\(call): \(String(cString: strerror(errno)))") }
    }
}
