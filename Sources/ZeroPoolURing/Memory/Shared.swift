/// A value at one address for its whole life, with several owners on one thread; it ends with the last of them.
///
/// All access borrows the owner, as to a class's properties, without their reference counts and exclusivity checks. So
/// whoever changes the value must not use it again until the change is done.
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
