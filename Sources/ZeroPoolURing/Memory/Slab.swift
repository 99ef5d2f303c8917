internal import Glibc

/// A number of elements in a row. Access with an index past them traps.
@safe
struct Slab<Element: ~Copyable>: ~Copyable {
    private var elements: UnsafeMutablePointer<Element>
    private(set) var count: Int

    /// - Parameter make: Makes the element for an index.
    init(count: Int = 0, _ make: (Int) -> Element) {
        precondition(MemoryLayout<Element>.alignment <= 16, "malloc aligns to 16 bytes")
        unsafe elements = Self.allocate(count)
        self.count = count
        for index in 0..<count { unsafe (elements + index).initialize(to: make(index)) }
    }

    deinit {
        unsafe elements.deinitialize(count: count)
        unsafe free(elements)
    }

    /// Moves the elements to a larger slab, behind which `make` makes the new ones.
    mutating func grow(to largerCount: Int, _ make: (Int) -> Element) {
        precondition(largerCount >= count, "a slab only grows")
        let larger = unsafe Self.allocate(largerCount)
        unsafe larger.moveInitialize(from: elements, count: count)
        unsafe free(elements)
        unsafe elements = larger
        for index in count..<largerCount { unsafe (elements + index).initialize(to: make(index)) }
        count = largerCount
    }

    subscript(index: Int) -> Element {
        @inline(__always)
        unsafeAddress { unsafe UnsafePointer(pointer(index)) }
        @inline(__always)
        unsafeMutableAddress { unsafe pointer(index) }
    }

    @inline(__always)
    private func pointer(_ index: Int) -> UnsafeMutablePointer<Element> {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "an index past the slab")
        return unsafe elements + index
    }

    /// Puts `element` in the place of another, which comes out.
    @inline(__always)
    mutating func exchange(_ element: consuming Element, at index: Int) -> Element {
        let place = unsafe pointer(index)
        let old = unsafe place.move()
        unsafe place.initialize(to: element)
        return old
    }

    /// Where the element is until the slab grows or ends: for what the kernel reads or writes.
    func address(of index: Int) -> UInt64 { unsafe UInt64(UInt(bitPattern: pointer(index))) }

    private static func allocate(_ count: Int) -> UnsafeMutablePointer<Element> {
        let (byteCount, isTooLarge) = max(1, count).multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        guard count >= 0, !isTooLarge, let memory = unsafe malloc(byteCount) else {
            fatalError("no memory for \(count) elements")
        }
        return unsafe memory.bindMemory(to: Element.self, capacity: count)
    }
}

extension Slab where Element: BitwiseCopyable {
    /// Elements of zero bytes. Memory that is never used costs address space only.
    ///
    /// Unsafe: zero bytes have to be a value of the type.
    @unsafe
    init(zeroedCount count: Int) {
        guard let memory = unsafe calloc(max(1, count), MemoryLayout<Element>.stride) else {
            fatalError("no memory for \(count) elements")
        }
        unsafe elements = memory.bindMemory(to: Element.self, capacity: count)
        self.count = count
    }
}

/// A value at one address for its whole life, with several owners on one thread; it ends with the last of them.
///
/// All access borrows the owner, as to a class's properties, without their reference counts and exclusivity checks. So
/// code that changes the value must not use it again until the change is done.
@safe
struct Shared<Value: ~Copyable>: ~Copyable {
    private struct Cell: ~Copyable {
        var value: Value
        /// All owners are on one thread: a plain count will do.
        var ownerCount = 1

        init(_ value: consuming Value) { self.value = value }
    }

    private let cell: UnsafeMutablePointer<Cell>

    init(_ value: consuming Value) {
        unsafe cell = .allocate(capacity: 1)
        unsafe cell.initialize(to: Cell(value))
    }

    /// One more owner of `other`'s value.
    init(sharing other: borrowing Shared) {
        unsafe cell = other.cell
        unsafe cell.pointee.ownerCount += 1
    }

    deinit {
        unsafe cell.pointee.ownerCount -= 1
        guard unsafe cell.pointee.ownerCount == 0 else { return }
        unsafe cell.deinitialize(count: 1)
        unsafe cell.deallocate()
    }

    var value: Value {
        @inline(__always)
        unsafeAddress { unsafe UnsafePointer(address) }
        @inline(__always)
        nonmutating unsafeMutableAddress { unsafe address }
    }

    @inline(__always)
    private var address: UnsafeMutablePointer<Value> {
        // SAFETY: the value is the cell's first field.
        unsafe UnsafeMutableRawPointer(cell).assumingMemoryBound(to: Value.self)
    }

    /// The value never ends, though its owners do: the kernel may still use what it holds.
    func keepForever() { unsafe cell.pointee.ownerCount += 1 }
}
