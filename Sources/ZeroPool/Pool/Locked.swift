#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A value behind a POSIX mutex.
///
/// Why not `Synchronization.Mutex`: the thread sanitizer sees nothing of its futex calls, and so reports a race on all
/// that it guards. Batches make the kind of lock unimportant; that races are found is not.
@safe
struct Locked<Value>: ~Copyable, @unchecked Sendable {
    // SAFETY: Sendable, since `value` is reached with the mutex held only.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    init(_ initial: Value) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
        unsafe value = .allocate(capacity: 1)
        unsafe value.initialize(to: initial)
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
        unsafe value.deinitialize(count: 1)
        unsafe value.deallocate()
    }

    /// Runs `body` with the mutex held; not to be entered again within.
    borrowing func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return unsafe body(&value.pointee)
    }
}
