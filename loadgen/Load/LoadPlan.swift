/// What one run of load consists of, whatever is said on its connections.
struct LoadPlan: Sendable {
    var connectionCount = 64
    /// Messages in flight a connection.
    var pipeline = 1
    var threadCount = 1
    var warmupSeconds = 1.0
    var durationSeconds = 10.0
    /// Each connection's first messages are its last: the window is from the first byte sent to the last answer, without a
    /// warm-up, and `durationSeconds` is the most that it may take.
    var asksOnce = false
    /// What is not connected by then counts as a connect error.
    var connectTimeoutSeconds = 10.0
    /// How long, after the window, the answers still owed are waited for.
    var drainTimeoutSeconds = 5.0

    /// The connections of one thread; their numbers run through all threads.
    func connections(ofThread index: Int) -> Range<Int> {
        connectionCount * index / threadCount..<connectionCount * (index + 1) / threadCount
    }
}
