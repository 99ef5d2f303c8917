import Synchronization
import SystemSupport

/// One run of load: all its threads, from the first connection to the last answer.
enum Load {
    /// Blocks until the run is over; the calling thread does nothing meanwhile. Its threads run on the processors of the
    /// calling thread. What goes wrong with the server is counted in the tally.
    /// - Parameter observedProcess: a process of which the CPU time within the window is measured too.
    /// - Returns: after at most the sum of the plan's times, whatever the server does.
    static func run(
        _ plan: LoadPlan, _ exchange: some Exchange, to address: SocketAddress, observedProcess: Int32? = nil,
        progress: ProgressLine
    ) throws -> LoadTally {
        try OpenFileLimit.makeRoom(forSockets: plan.connectionCount)
        let control = LoadControl(threadCount: plan.threadCount)
        let total = Mutex(LoadTally())
        let threads = try (0..<plan.threadCount).map { index in
            try SystemThread {
                let tally = LoadWorker.run(
                    plan, exchange, threadIndex: index, to: address, control: control, observedProcess: observedProcess,
                    progress: progress)
                total.withLock { $0.merge(tally) }
            }
        }
        for thread in threads { thread.join() }
        return total.withLock { $0 }
    }
}
