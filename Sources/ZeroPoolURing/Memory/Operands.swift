internal import Glibc

/// What the kernel reads or writes for one operation apart from a lease: paths, addresses, a `statx` buffer. It lies still
/// from its making on.
@safe
struct Operands: ~Copyable {
    /// Alignment of everything that is not a path.
    private static let alignment = 8

    private let memory: UnsafeMutableRawBufferPointer
    private var usedByteCount = 0

    /// Room for as much as `append` and `reserve` will use.
    init(byteCount: Int) {
        guard let start = unsafe malloc(max(1, byteCount)) else { fatalError("no memory for an operation") }
        unsafe memory = UnsafeMutableRawBufferPointer(start: start, count: byteCount)
    }

    deinit { unsafe free(memory.baseAddress) }

    /// Bytes that a path takes here, with the zero at its end.
    static func byteCount(ofPath path: RawSpan) -> Int { pathByteCount(path) + 1 }

    /// As much of a path as the kernel looks at: a longer one fails with `ENAMETOOLONG` all the same.
    private static func pathByteCount(_ path: RawSpan) -> Int { min(path.byteCount, Int(PATH_MAX)) }

    /// Appends a path and the zero at its end. Traps when the path has a zero byte. Returns the address.
    mutating func append(path: RawSpan) -> UInt64 {
        let path = path.extracting(first: Self.pathByteCount(path))
        let hasZero = unsafe path.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return false }
            return unsafe memchr(start, 0, bytes.count) != nil
        }
        precondition(!hasZero, "a path has no zero byte")
        let place = take(path.byteCount + 1, alignment: 1)
        copy(path, to: place)
        unsafe memory[place.upperBound - 1] = 0
        return address(of: place)
    }

    /// Appends bytes, aligned. Returns the address.
    mutating func append(_ bytes: RawSpan) -> UInt64 {
        let place = take(bytes.byteCount, alignment: Self.alignment)
        copy(bytes, to: place)
        return address(of: place)
    }

    /// Appends a descriptor. Returns the address.
    mutating func append(_ descriptor: Int32) -> UInt64 {
        let place = take(MemoryLayout<Int32>.size, alignment: Self.alignment)
        unsafe memory.storeBytes(of: descriptor, toByteOffset: place.lowerBound, as: Int32.self)
        return address(of: place)
    }

    /// Appends three words, as `struct open_how` has them. Returns the address.
    mutating func append(words first: UInt64, _ second: UInt64, _ third: UInt64) -> UInt64 {
        let words: InlineArray<3, UInt64> = [first, second, third]
        return unsafe append(words.span.bytes)
    }

    /// Appends zeroed room, aligned. Returns the address.
    mutating func reserve(_ byteCount: Int) -> UInt64 {
        let place = take(byteCount, alignment: Self.alignment)
        unsafe UnsafeMutableRawBufferPointer(rebasing: memory[place]).initializeMemory(as: UInt8.self, repeating: 0)
        return address(of: place)
    }

    /// A number that the kernel wrote at this offset. Traps past what was used.
    func load<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type, at offset: Int) -> Number {
        precondition(
            offset >= 0 && offset <= usedByteCount - MemoryLayout<Number>.size, "a number past the operands")
        return unsafe memory.loadUnaligned(fromByteOffset: offset, as: type)
    }

    private mutating func take(_ byteCount: Int, alignment: Int) -> Range<Int> {
        let start = (usedByteCount + alignment - 1) / alignment * alignment
        precondition(unsafe byteCount <= memory.count - start, "operands that were not counted")
        // What alignment skips is never read.
        usedByteCount = start + byteCount
        return start..<usedByteCount
    }

    private func copy(_ bytes: RawSpan, to place: Range<Int>) {
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe UnsafeMutableRawBufferPointer(rebasing: memory[place]).copyMemory(from: bytes)
        }
    }

    private func address(of place: Range<Int>) -> UInt64 {
        unsafe UInt64(UInt(bitPattern: memory.baseAddress! + place.lowerBound))
    }
}
