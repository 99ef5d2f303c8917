import Glibc

/// A thread of the system. It inherits the processors of the thread that starts it, which Dispatch's do not.
struct Thread {
    private let thread: pthread_t

    private final class Start {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    init(_ body: @escaping @Sendable () -> Void) throws(SystemError) {
        var thread = pthread_t()
        let start = unsafe Unmanaged.passRetained(Start(body))
        let status = unsafe pthread_create(
            &thread, nil,
            { argument in
                unsafe Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, start.toOpaque())
        guard status == 0 else {
            unsafe start.release()
            throw SystemError("pthread_create", errno: status)
        }
        self.thread = thread
    }

    /// Waits for its end; once a thread.
    func join() {
        pthread_join(thread, nil)
    }
}
