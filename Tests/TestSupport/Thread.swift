import SystemSupport

/// A thread with a result, for what must not share the test's own thread.
package final class Thread<Value: Sendable, Failure: Error>: Sendable {
    private let thread: SystemThread<Result<Value, Failure>>

    package init(_ body: @escaping @Sendable () throws(Failure) -> Value) {
        do throws(SystemError) {
            thread = try SystemThread { Result { () throws(Failure) in try body() } }
        } catch {
            fatalError("\(error)")
        }
    }

    /// Waits for the thread's end. Once.
    @discardableResult
    package func join() throws(Failure) -> Value { try thread.join().get() }
}

/// Runs `body` on a thread of its own, to its end.
package func onThread(_ body: @escaping @Sendable () -> Void) { Thread(body).join() }
