import Glibc

/// A plain thread with a result, for what must not share the test's own thread.
final class Thread<Value: Sendable> {
    private let box: ThreadBox
    private let thread: pthread_t

    init(_ body: @escaping @Sendable () throws -> Value) {
        box = ThreadBox { try body() }
        thread = start(box)
    }

    func join() throws -> Value {
        pthread_join(thread, nil)
        // swift-format-ignore: NeverForceUnwrap
        return try box.result!.get() as! Value
    }
}

/// Written by the thread, read after it was joined.
private final class ThreadBox: @unchecked Sendable {
    let body: @Sendable () throws -> any Sendable
    var result: Result<any Sendable, any Error>?
    init(_ body: @escaping @Sendable () throws -> any Sendable) { self.body = body }
}

private func start(_ box: ThreadBox) -> pthread_t {
    var thread = pthread_t()
    let failure = pthread_create(
        &thread, nil,
        { argument in
            let box = Unmanaged<ThreadBox>.fromOpaque(argument!).takeRetainedValue()
            box.result = Result { try box.body() }
            return nil
        }, Unmanaged.passRetained(box).toOpaque())
    precondition(failure == 0)
    return thread
}
