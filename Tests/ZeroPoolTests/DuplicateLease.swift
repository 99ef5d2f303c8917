@testable import ZeroPool

/// Copies a lease bit by bit, as unsafe code may: then both end, and return the same buffer.
func duplicate(_ box: LeaseBox) -> LeaseBox {
    guard let buffer = box.buffer.take() else { preconditionFailure("the lease has been returned") }
    let memory = UnsafeMutablePointer<PooledBuffer>.allocate(capacity: 1)
    unsafe memory.initialize(to: buffer)
    let copy = UnsafeMutablePointer<PooledBuffer>.allocate(capacity: 1)
    unsafe UnsafeMutableRawPointer(copy).copyMemory(from: memory, byteCount: MemoryLayout<PooledBuffer>.size)
    box.buffer = unsafe memory.move()
    let duplicate = unsafe LeaseBox(copy.move())
    unsafe memory.deallocate()
    unsafe copy.deallocate()
    return duplicate
}
