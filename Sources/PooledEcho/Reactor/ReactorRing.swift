package import ZeroPool
package import ZeroPoolURing

/// What a reactor needs of a ring: the operations of a server, by connection, and what came of them.
///
/// The reactor is written against this, and `KernelRing` makes it true with io_uring. Rules of every implementation:
/// - An operation is only noted; it starts with the next `wait`, in the order noted. None fails here: failures are events.
/// - `armAccept` goes on until `.acceptEnded`, and `armReceive` until `.receiveEnded`, each of which comes once, for
///   whatever reason, or for none; `.accepted` and `.received` may precede it, also after a cancellation.
/// - `send` has one `.sent` or `.sendFailed`. Its lease comes back with that, or with a later `.released`, and not
///   before the kernel is done with it. `.sent` may be short.
/// - A connection is closed only after every operation on it has had its final event (but for `.released`); its number
///   may then come again with the next `.accepted`.
/// - Events of one operation come in order, those of different operations in any.
package protocol ReactorRing: AnyObject {
    /// Accepts connections until cancelled or failed.
    func armAccept()
    /// Ends an armed accept; its final event still comes.
    func cancelAccept()
    /// Stops listening, once accepting has ended: who waits in the listener's queue is refused, and who comes later.
    func closeListener()
    /// Asks for the address of the connection's peer: one `.identified`. Nothing else may be under way on the connection.
    func identify(_ connection: ConnectionNumber)
    /// Receives into pool buffers: again and again, or into one.
    func armReceive(_ connection: ConnectionNumber, _ extent: ReceiveExtent)
    /// Ends an armed receive; its final event still comes.
    func cancelReceive(_ connection: ConnectionNumber)
    /// Sends the bytes of `lease` from `offset` on. One at a time a connection: two may swap.
    func send(_ lease: consuming PooledBuffer, from offset: Int, to connection: ConnectionNumber, mayZeroCopy: Bool)
    /// Cancels a send that is stuck with a peer that does not read.
    func cancelSend(_ connection: ConnectionNumber)
    /// Tells the peer that no more comes: one `.halfClosed`.
    func shutdownWrite(_ connection: ConnectionNumber)
    /// Closes the connection: the peer gets what was sent, then the end of the stream.
    func close(_ connection: ConnectionNumber)
    /// Closes the connection so that the peer gets an error, never an end of stream that hides lost bytes; what the
    /// kernel still has for it is dropped.
    func reset(_ connection: ConnectionNumber)
    /// One `.timer` event after `seconds`.
    func setTimer(_ timer: ReactorTimer, seconds: Double)

    /// How many buffers wait for bytes to be received into.
    var availableBufferCount: Int { get }
    /// Puts buffers in place of those that were used.
    func refill()

    /// Whether the ring holds more memory than it began with.
    var isAboveRest: Bool { get }
    /// Gives memory back to the system that nobody used for so long.
    func trim(olderThanSeconds seconds: Double)
    /// Gives all memory back that nobody needs, that of the buffers that wait for bytes too: `refill` puts few in their place,
    /// in a turn that may have no event. Until then a receive may end with `ENOBUFS`, as ever when there is no buffer.
    func beginRest()

    /// Starts what was noted, and returns when there is at least one event, or a rest goes on; at once when `isPolling`.
    /// Throws when the ring is dead.
    func wait(isPolling: Bool) throws(RingError)
    /// Hands over the events that have come, in the order of the kernel.
    func forEachEvent(_ body: (consuming ReactorEvent) -> Void)
    /// Ends the ring: cancels what is left, reaps it, unregisters. Nothing of the kernel's touches memory afterwards.
    func close()
    /// The ring is dead. What the kernel may still touch stays as it is until the process ends.
    func abandon()
}

/// How long a receive goes on.
package enum ReceiveExtent {
    /// Until it is cancelled or fails, or the kernel ends it.
    case multishot
    /// Until it has filled one buffer, wholly or in part.
    case oneBuffer
    /// The same, and not before there is room to send: whose peer does not read, takes no buffer.
    case oneBufferOnceWritable
}

/// What a reactor has timers for; one each at a time.
package enum ReactorTimer: UInt32, CaseIterable {
    /// The end of the drain.
    case drain
    /// Another try to accept, where there was no room.
    case accept
    /// A look at who holds buffers that others wait for.
    case scarcity
    /// A look for idle connections.
    case idle
    /// A look for idle memory.
    case trim
    /// The service's own.
    case service
}

/// A connection of one reactor, by the slot of the ring's file table that it has.
package typealias ConnectionNumber = UInt32

/// What came of an operation.
package enum ReactorEvent: ~Copyable {
    /// A connection came in.
    case accepted(ConnectionNumber)
    /// Accepting is over: `errno` says why (`ECANCELED`, `ENFILE`, …), 0 where the kernel gave no reason.
    case acceptEnded(errno: Int32)
    /// Where the connection's peer is; nil where that can't be told, as when it is gone.
    case identified(ConnectionNumber, PeerAddress?)
    /// Bytes came in.
    case received(ConnectionNumber, PooledBuffer)
    /// Receiving is over: by the peer's end of stream (`errno` 0 and `isEndOfStream`), by `errno` (`ENOBUFS`,
    /// `ECANCELED`, `ECONNRESET`, …), or for no reason that the kernel gives.
    case receiveEnded(ConnectionNumber, errno: Int32, isEndOfStream: Bool)
    /// `byteCount` bytes were sent, maybe fewer than there were; the lease comes back, unless the kernel still reads it.
    case sent(ConnectionNumber, PooledBuffer?, byteCount: Int)
    /// Nothing was sent, for the reason `errno`.
    case sendFailed(ConnectionNumber, PooledBuffer?, errno: Int32)
    /// The peer is told that no more comes, or can't be told: nothing of the half-close is under way any more.
    case halfClosed(ConnectionNumber)
    /// The kernel is done with the memory of a zero-copy send; it says whether it copied after all. Without a number the
    /// connection is gone by now.
    case released(PooledBuffer?, wasCopied: Bool, ConnectionNumber?)
    /// The stop signal was raised.
    case woken
    /// A timer's time has come.
    case timer(ReactorTimer)
    /// What came of an operation on a file.
    case file(FileEvent)
}
