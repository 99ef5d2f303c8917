/// What is to be done for a connection: what every service does, and what only one of them does.
enum ConnectionAction<Own> {
    case armReceive
    case cancelReceive
    /// No longer wait for buffers.
    case stopWaiting
    /// Send the head of the queue.
    case send
    case cancelSend
    case shutdownWrite
    case close
    /// Close with an error for the peer, dropping what is queued.
    case reset
    case own(Own)
}

extension ConnectionAction: Equatable where Own: Equatable {}
