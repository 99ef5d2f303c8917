import Glibc

/// A POSIX thread.
struct JoinableThread {
    private let handle: pthread_t

    init(_ body: @escaping @Sendable () -> Void) {
        var handle = pthread_t()
        let task = unsafe Unmanaged.passRetained(Task(body)).toOpaque()
        let status = unsafe pthread_create(
            &handle, nil,
            { argument in
                unsafe Unmanaged<Task>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, task)
        precondition(status == 0, "pthread_create failed: \(status)")
        self.handle = handle
    }

    /// Waits for its end. Once.
    func join() {
        let status = pthread_join(handle, nil)
        precondition(status == 0, "pthread_join failed: \(status)")
    }

    private final class Task: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
