/// A value at one address for its whole life.
///
/// All access borrows the box, as to a class's property, without exclusivity checks: they would be a sixth of a reactor's
/// instructions. So what changes the value must not use it again until the change is done.
@safe
package struct Box<Value: ~Copyable>: ~Copyable {
    @usableFromInline package let address: UnsafeMutablePointer<Value>

    @inlinable
    package init(_ value: consuming Value) {
        unsafe address = .allocate(capacity: 1)
        unsafe address.initialize(to: value)
    }

    @inlinable
    deinit {
        unsafe address.deinitialize(count: 1)
        unsafe address.deallocate()
    }

    @inlinable
    package var value: Value {
        @inline(__always)
        unsafeAddress { unsafe UnsafePointer(address) }
        @inline(__always)
        nonmutating unsafeMutableAddress { unsafe address }
    }
}
