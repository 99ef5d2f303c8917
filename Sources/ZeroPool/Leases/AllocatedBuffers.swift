import CZeroPool

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Leases of memory from `malloc`, allocated for their use and freed after it: what a program without a pool does.
///
/// It exists for comparisons: the same program, with the pool taken out. No pool knows of these leases.
package enum AllocatedBuffers {
    /// A lease of at least `byteCount` bytes (rounded up to a size class, as the pool does) from `malloc`.
    /// - Parameter alignment: where `malloc`'s own does not do: a power of two from the size of a word on.
    /// - Returns: nil when `malloc` fails. Traps when `byteCount` is more than 1 GiB.
    package static func tryGet(_ byteCount: Int, alignment: Int? = nil) -> PooledBuffer? {
        let shift = SizeClass.shift(
            for: max(1, byteCount), smallest: SizeClass.smallest(minimumShift: SizeClass.minimumShift))
        precondition(shift <= SizeClass.maximumShift, "buffers from malloc are at most 1 GiB")
        var base: UnsafeMutableRawPointer?
        if let alignment {
            guard unsafe posix_memalign(&base, alignment, 1 << shift) == 0 else { return nil }
        } else {
            unsafe base = malloc(1 << shift)
        }
        guard let base = unsafe base else { return nil }
        return unsafe lease(shift: shift, base: base)
    }

    /// Has `malloc` give the system back what it keeps free: whole pages anywhere, which it keeps else.
    ///
    /// Any thread. Takes the locks of `malloc`, and time by how much is free. Nothing where the C library can't.
    package static func trim() { zeropool_trim_allocator() }

    private static func lease(shift: Int, base: UnsafeMutableRawPointer) -> PooledBuffer {
        unsafe PooledBuffer(descriptors + (shift - SizeClass.minimumShift), base: base)
    }

    /// A descriptor of one lease alone, for as long as that is passed unmanaged.
    static func makeDescriptor(like shared: DescriptorPointer, base: UnsafeMutableRawPointer) -> DescriptorPointer {
        let descriptor = DescriptorPointer.allocate(capacity: 1)
        unsafe descriptor.initialize(
            to: BufferDescriptor(allocatedShift: Int(shared.pointee.shift), base: base))
        return unsafe descriptor
    }

    /// The lease of a descriptor that `makeDescriptor` made, which ends.
    static func take(_ descriptor: DescriptorPointer) -> PooledBuffer {
        let (shift, base) = unsafe (Int(descriptor.pointee.shift), descriptor.pointee.base)
        unsafe descriptor.deallocate()
        return unsafe lease(shift: shift, base: base)
    }

    /// Takes back what is no pool's: memory from `malloc`, or a debugging pool's no more, which traps.
    static func free(_ descriptor: DescriptorPointer, _ base: UnsafeMutableRawPointer) {
        if unsafe descriptor.pointee.isDeparted { unsafe DepartedDescriptors.failReturnedTwice(descriptor) }
        #if canImport(Musl)
            unsafe Musl.free(base)
        #else
            unsafe Glibc.free(base)
        #endif
    }

    /// A descriptor a class, shared by all its leases and never changed: of such memory there is nothing else to say.
    nonisolated(unsafe) private static let descriptors: DescriptorPointer = {
        let shifts = SizeClass.minimumShift...SizeClass.maximumShift
        let table = DescriptorPointer.allocate(capacity: shifts.count)
        for (index, shift) in shifts.enumerated() {
            unsafe (table + index).initialize(to: BufferDescriptor(allocatedShift: shift, base: table))
        }
        return unsafe table
    }()
}
