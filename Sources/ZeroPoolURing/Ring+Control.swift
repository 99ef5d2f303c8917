internal import CLibUring
internal import Glibc

extension Ring {
    /// Cancels every operation with this user data. Result: how many were found; `ENOENT` with none.
    ///
    /// Each of them still has its own final completion, with `ECANCELED` or with what it did in time. An operation that is
    /// about to be tried again, since its descriptor has just become ready, is not found, and goes on: who must have it
    /// ended cancels again.
    public func cancel(_ target: UInt64, userData: UInt64) {
        let entry = unsafe state.pointee.prepare(
            .cancel, on: .file(-1), address: UnsafeRawPointer(bitPattern: UInt(target)), userData: userData)
        unsafe entry.pointee.cancel_flags = IORING_ASYNC_CANCEL_ALL
    }

    /// Cancels every operation on `descriptor`. Result: how many were found, which may be 0.
    public func cancelAll(on descriptor: IODescriptor, userData: UInt64) {
        // The number alone: the flag for fixed files stands with the cancellation's own.
        let entry = unsafe state.pointee.prepare(.cancel, on: .file(descriptor.number), userData: userData)
        unsafe entry.pointee.cancel_flags =
            IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_FD
            | (descriptor.isDirect ? IORING_ASYNC_CANCEL_FD_FIXED : 0)
    }

    /// Cancels every operation of the ring. Result: how many were found, which may be 0.
    public func cancelAll(userData: UInt64) {
        let entry = unsafe state.pointee.prepare(.cancel, on: .file(-1), userData: userData)
        unsafe entry.pointee.cancel_flags = IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY
    }

    /// Completes after `duration`. Result: `ETIME`; `ECANCELED` when cancelled before.
    public func timeout(after duration: Duration, userData: UInt64) {
        unsafe state.pointee.prepareTimeout(__kernel_timespec(duration), flags: 0, userData: userData)
    }

    /// Completes when `CLOCK_MONOTONIC` reaches this many nanoseconds. Result as ``timeout(after:userData:)``.
    public func timeout(atMonotonicNanoseconds nanoseconds: UInt64, userData: UInt64) {
        unsafe state.pointee.prepareTimeout(
            __kernel_timespec(nanoseconds: nanoseconds), flags: IORING_TIMEOUT_ABS, userData: userData)
    }

    /// Completes when one of `events` (`POLLIN`, …) holds; `multishot` again and again. Result: the events.
    public func poll(_ descriptor: IODescriptor, events: UInt32, multishot: Bool = false, userData: UInt64) {
        // Poll's command flags stand in the length field.
        let entry = unsafe state.pointee.prepare(
            .pollAdd, on: descriptor, length: multishot ? IORING_POLL_ADD_MULTI : 0, userData: userData)
        // The 32 bits are stored with their halves swapped on big-endian machines.
        unsafe entry.pointee.poll32_events = 1.littleEndian == 1 ? events : events << 16 | events >> 16
    }

    /// Completes at once, with 0.
    public func nop(userData: UInt64) {
        _ = unsafe state.pointee.prepare(.nop, on: .file(-1), userData: userData)
    }

    /// Posts a completion (`targetUserData`, `result`) to the ring behind `ring`, which may be another thread's.
    ///
    /// The one safe way to wake another thread's ring. `ring` is its ``fileDescriptor``. Own result: 0.
    public func messageRing(_ ring: Int32, targetUserData: UInt64, result: Int32, userData: UInt64) {
        _ = unsafe state.pointee.prepare(
            .messageRing, on: .file(ring), length: UInt32(bitPattern: result), offset: targetUserData,
            userData: userData)
    }
}
