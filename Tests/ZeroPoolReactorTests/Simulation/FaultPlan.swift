import TestSupport

/// Which faults a simulated kernel plays, and how often: each probability is of one occasion. All zero is a kernel on
/// which everything goes well.
struct FaultPlan {
    // Sends.
    /// A send ends when some of its bytes went out.
    var shortSend = 0.0
    /// A send finds the connection broken.
    var brokenSend = 0.0
    /// A zero-copy send fails with its memory still in use, and the notification later.
    var zeroCopyFailure = 0.0
    /// As long as the word that a zero-copy send is done may take, in microseconds.
    var zeroCopyDelay = 0
    /// As long as a half-close may take, in microseconds: a thread of the kernel's does it.
    var halfCloseDelay = 0

    // Receives.
    /// A multishot receive ends after a buffer, for no reason.
    var receiveEnd = 0.0
    /// A receive ends with `EINTR`.
    var receiveInterruption = 0.0
    /// A receive ends with `ECANCELED` though nobody cancelled it.
    var receiveCancellation = 0.0
    /// A receive finds no buffer although there are some.
    var bufferShortage = 0.0
    /// A receive finds the connection broken.
    var brokenReceive = 0.0

    // Accepting.
    /// Accepting ends after a connection, for no reason.
    var acceptEnd = 0.0
    /// Accepting ends with the error of a connection, or of the network.
    var acceptError = 0.0
    /// A connection can't be told who its peer is.
    var unidentified = 0.0

    // Queues.
    /// Only some of the noted operations start at this wait.
    var partialSubmission = 0.0
    /// Only some of what was completed is handed over at this wait.
    var partialCompletion = 0.0
    /// A wait returns with nothing.
    var spuriousWake = 0.0
    /// A cancellation comes too late: the operation goes on to an end of its own.
    var lateCancel = 0.0
    /// The peer's kernel drops some of what was not read when it is told of a reset.
    var dropOnReset = 0.0
    /// Events of different operations come in any order.
    var reordersEvents = false
    /// As many completions as the queue has room for; past it, multishot operations end.
    var completionCapacity = Int.max

    func isWakeSpurious(_ generator: inout SeededGenerator) -> Bool { generator.chance(spuriousWake) }
}
