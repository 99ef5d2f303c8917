package import ZeroPool
package import ZeroPoolURing
package import SystemSupport

/// The seam below a reactor: operations go in, events come out.
///
/// `KernelRing` implements it with io_uring, and the tests implement it with a simulated kernel. Every implementation
/// follows these rules:
/// - An operation is only noted. It starts with the next `wait`, in the order noted, and never fails here: failures are
///   events.
/// - `armAccept` goes on until `.acceptEnded`, and `armReceive` until `.receiveEnded`. Each comes exactly once, for any
///   reason or for none. `.accepted` and `.received` may precede it, also after a cancellation.
/// - `send` has one `.sent` or `.sendFailed`. Its lease comes back with that event or with a later `.released`, and never
///   before the kernel is done with it. `.sent` may be short.
/// - A connection is closed only after every operation on it has had its final event, except `.released`. Its number may
///   then come again with the next `.accepted`.
/// - `perform` has one `.completed` with the same token. `cancel` makes it come soon where the kernel can.
/// - Events of one operation come in order, those of different operations in any order.
package protocol ReactorRing: AnyObject {
    /// Accepts connections until cancelled or failed.
    func armAccept()
    /// Ends an armed accept. Its final event still comes.
    func cancelAccept()
    /// Stops listening after accepting has ended: peers in the listener's queue are refused, and later ones too.
    func closeListener()
    /// Asks for the address of the connection's peer: one `.identified`. Nothing else may be in flight on the connection.
    func identify(_ connection: ConnectionNumber)
    /// Receives into pool buffers.
    func armReceive(_ connection: ConnectionNumber, _ extent: ReceiveExtent)
    /// Ends an armed receive. Its final event still comes.
    func cancelReceive(_ connection: ConnectionNumber)
    /// Sends the bytes of `lease` from `offset` on. One at a time per connection, since two may be reordered.
    func send(_ lease: consuming PooledBuffer, from offset: Int, to connection: ConnectionNumber, mayZeroCopy: Bool)
    /// Cancels a send that is stuck with a peer that does not read.
    func cancelSend(_ connection: ConnectionNumber)
    /// Tells the peer that no more bytes come: one `.halfClosed`.
    func shutdownWrite(_ connection: ConnectionNumber)
    /// Closes the connection: the peer gets what was sent, then the end of the stream.
    func close(_ connection: ConnectionNumber)
    /// Closes the connection so that the peer gets an error, never an end of stream that hides lost bytes. What the
    /// kernel still has for it is dropped.
    func reset(_ connection: ConnectionNumber)
    /// One `.timer` event after `seconds`.
    func setTimer(_ timer: ReactorTimer, seconds: Double)

    /// Starts an operation that belongs to no accepted connection: on files, a sleep, a connect.
    func perform(_ operation: consuming RingOperation, token: OperationToken)
    /// Asks the kernel to end an operation early. Its `.completed` still comes.
    func cancel(_ token: OperationToken)
    /// Closes a file descriptor after its last operation.
    func closeFile(_ file: Int32)
    /// Whether most of these bytes are in the page cache; true when that is unknown. Does not wait for the disk.
    func isResident(_ file: Int32, _ range: Range<Int>) -> Bool
    /// Seconds since 1970 by the wall clock. Not for the hot path.
    var wallClockSeconds: Int { get }

    /// A buffer for at least `byteCount` bytes, or nil when there is none.
    func takeBuffer(_ byteCount: Int) -> PooledBuffer?
    /// Buffers that wait for bytes to be received into.
    var availableBufferCount: Int { get }
    /// Replaces the buffers that were used.
    func refill()

    /// Whether the ring holds more memory than it began with.
    var isAboveRest: Bool { get }
    /// Gives memory back to the system that was idle for this long.
    func trim(olderThanSeconds seconds: Double)
    /// Gives all idle memory back, including the buffers that wait for bytes. `refill` puts a few in their place, in a turn
    /// that may have no event. Until then a receive may end with `ENOBUFS`.
    func beginRest()

    /// Starts the noted operations, and returns when there is at least one event or `beginRest` is under way; at once
    /// when `isPolling`. Throws when the ring is dead.
    func wait(isPolling: Bool) throws(RingError)
    /// Hands over the events that have come, in the order of the kernel.
    func forEachEvent(_ body: (consuming ReactorEvent) -> Void)
    /// Ends the ring: cancels what is left, reaps it, unregisters. The kernel touches no memory afterwards.
    func close()
    /// The ring is dead. What the kernel may still touch stays as it is until the process ends.
    func abandon()
}

/// How long a receive continues.
package enum ReceiveExtent {
    /// Until it is cancelled, fails, or the kernel ends it.
    case multishot
    /// Until it has filled one buffer, wholly or in part.
    case oneBuffer
    /// As `oneBuffer`, but not before the socket has room to send: a peer that does not read takes no buffer.
    case oneBufferOnceWritable
}

/// A reactor's timers. Each is set at most once at a time.
package enum ReactorTimer: UInt32, CaseIterable {
    /// The end of the drain.
    case drain
    /// Another attempt to accept after there was no room.
    case accept
    /// A check of connections that hold buffers while others wait.
    case scarcity
    /// A search for idle connections.
    case idle
    /// A search for idle memory.
    case trim
    /// A search for deadlines that have passed.
    case deadline
}

/// A connection of one reactor: its slot in the ring's file table.
package typealias ConnectionNumber = UInt32

/// An operation of one reactor, other than those on accepted connections. The generation tells a late answer from the
/// answer to the slot's next operation.
package struct OperationToken: Hashable, Sendable {
    package let index: UInt32
    package let generation: UInt32

    /// The generation wraps around at this value.
    static let generationMask: UInt32 = 0xff_ffff

    package init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }
}

/// An operation that `ReactorRing.perform` starts. It owns its operands until it completes.
package enum RingOperation: ~Copyable {
    /// Opens `path` from the descriptor `directory`. Result: a descriptor, and its status.
    case open(path: [UInt8], directory: Int32, flags: UInt64, mode: UInt32, resolution: RingPool.PathResolution)
    /// Asks what an open file is. Result: its status.
    case status(Int32)
    /// Reads, and appends to the written bytes of the lease. Result: the byte count, short at the end of the file.
    case read(PooledBuffer, byteCount: Int, file: Int32, offset: Int)
    /// Writes these bytes of the lease. Result: the byte count.
    case write(PooledBuffer, range: Range<Int>, file: Int32, offset: Int)
    /// Waits until a file's bytes are on its disk, and its status too unless `dataOnly` is set.
    case sync(Int32, dataOnly: Bool)
    /// Renames, each path from its directory. Replaces what was there.
    case rename(from: [UInt8], directory: Int32, to: [UInt8], newDirectory: Int32)
    /// Removes the name of a file, or of an empty directory if `isDirectory` is set.
    case unlink(path: [UInt8], directory: Int32, isDirectory: Bool)
    /// Makes a directory.
    case makeDirectory(path: [UInt8], directory: Int32, mode: UInt32)
    /// Connects to an address. Result: a connection number.
    case connect(SocketAddress)
    /// Completes after a time, with `ETIME`.
    case sleep(Duration)
}

/// The outcome of an operation.
package struct OperationOutcome: ~Copyable {
    /// A count or a descriptor, or a negative `errno`.
    package var result: Int32
    /// The operation's lease, if it had one.
    package var lease: PooledBuffer?
    /// What an open or a status found.
    package var status: FileStatus?

    package init(result: Int32, lease: consuming PooledBuffer? = nil, status: FileStatus? = nil) {
        self.result = result
        self.lease = consume lease
        self.status = status
    }

    package consuming func takeLease() -> PooledBuffer? { lease }
}

/// What the kernel reports.
package enum ReactorEvent: ~Copyable {
    /// A connection was accepted.
    case accepted(ConnectionNumber)
    /// Accepting is over. `errno` says why (`ECANCELED`, `ENFILE`, …), 0 where the kernel gave no reason.
    case acceptEnded(errno: Int32)
    /// The address of the connection's peer; nil if it is unknown, for example because the peer is gone.
    case identified(ConnectionNumber, PeerAddress?)
    /// Bytes were received.
    case received(ConnectionNumber, PooledBuffer)
    /// Receiving is over: by the peer's end of stream (`errno` 0 and `isEndOfStream`), by `errno` (`ENOBUFS`,
    /// `ECANCELED`, `ECONNRESET`, …), or for no reason that the kernel gives.
    case receiveEnded(ConnectionNumber, errno: Int32, isEndOfStream: Bool)
    /// `byteCount` bytes were sent, maybe fewer than there were. The lease comes back unless the kernel still reads it.
    case sent(ConnectionNumber, PooledBuffer?, byteCount: Int)
    /// Nothing was sent, for the reason `errno`.
    case sendFailed(ConnectionNumber, PooledBuffer?, errno: Int32)
    /// The half-close is done, or can't be done.
    case halfClosed(ConnectionNumber)
    /// The kernel is done with the memory of a zero-copy send, and says whether it copied after all. The number is
    /// nil if the connection is closed by now.
    case released(PooledBuffer?, wasCopied: Bool, ConnectionNumber?)
    /// The outcome of `perform`.
    case completed(OperationToken, OperationOutcome)
    /// Another thread has left something in the reactor's mailbox.
    case woken
    /// A timer's time has come.
    case timer(ReactorTimer)
}
