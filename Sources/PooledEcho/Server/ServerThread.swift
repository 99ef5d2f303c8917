import Glibc

/// A thread that can be joined and tells what it returned.
final class ServerThread<Result: Sendable>: @unchecked Sendable {
    // SAFETY: `result` is written by the thread and read after `join`, which orders the two.
    private let body: @Sendable () -> Result
    private var result: Result?
    private var thread = pthread_t()

    /// Starts it. Throws when the system has no thread left.
    init(_ body: @escaping @Sendable () -> Result) throws(ServerError) {
        self.body = body
        let argument = unsafe Unmanaged.passRetained(self)
        let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
            let run = unsafe Unmanaged<AnyObject>.fromOpaque(argument!).takeRetainedValue() as! any Runnable
            run.run()
            return nil
        }
        let code = unsafe pthread_create(&thread, nil, start, argument.toOpaque())
        guard code == 0 else {
            unsafe argument.release()
            throw .system("pthread_create", errno: code)
        }
    }

    /// Waits for the thread's end. Once.
    func join() -> Result {
        let code = pthread_join(thread, nil)
        precondition(code == 0, "a thread is joined once, by another")
        return result!
    }
}

private protocol Runnable: AnyObject {
    func run()
}

extension ServerThread: Runnable {
    fileprivate func run() { result = body() }
}
