/// A piece of a head by its place, in a word. Nothing stands at the very start of a head but a method or a version, so that
/// the empty range at 0 can stand for "absent".
struct ByteRange: Sendable, Equatable {
    static let absent = ByteRange(0..<0)

    private let start: UInt32
    private let end: UInt32

    init(_ range: Range<Int>) {
        start = UInt32(range.lowerBound)
        end = UInt32(range.upperBound)
    }

    var range: Range<Int> { Int(start)..<Int(end) }
}
