import CAllocatorWorker
import Glibc

/// Processors, by the kernel's numbers.
enum ProcessorSet {
    /// Those that the calling thread may run on.
    static var allowed: [Int] { (0..<1024).filter { may_run_on(Int32($0)) != 0 } }

    static func pinCurrentThread(to processor: Int) {
        let status = pin_current_thread(Int32(processor))
        precondition(status == 0, "sched_setaffinity failed: \(errno)")
    }
}
