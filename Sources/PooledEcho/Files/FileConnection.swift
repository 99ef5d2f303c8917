/// One HTTP connection's state, without any I/O: events go in, and `nextAction` says what is to be done.
///
/// The rules:
/// 1. Requests are answered in their order. What comes behind one waits, some leases of it, then receiving pauses.
/// 2. A request is read, its file is opened where that has to be, its response begins. From then on its bytes are owed.
/// 3. A connection holds two blocks at most: one is filled while the other is sent. Without one that it may have it waits in
///    line; a response goes on with one.
/// 4. A file that ends before its promised end, or is not what it was when its response began, fails the connection: what is
///    owed is never made up.
/// 5. After the last response (one that closes, the drain, the peer's end of stream) the write side is shut down, and what
///    still comes is discarded until the peer's end of stream, or for a while: closing a socket with unread input would reset
///    it and destroy the response.
/// 6. A failed connection ends its operations and is closed, by a reset where bytes were owed. An operation on a file can't be
///    cancelled: it is waited for.
struct FileConnection: ServedConnection {
    struct Limits: ConnectionLimits {
        /// Leases of input that wait, at which receiving pauses.
        var inputLeaseCount = 4

        var scarce: Limits { Limits(inputLeaseCount: 1) }
    }

    enum OwnAction: Equatable {
        /// Read a request's head from the input. Ends in `lacksHead`, `opens`, `begins` or `lacksBlock`.
        case readHead
        /// What the request asked for is open, or can't be: respond. Ends like `readHead`.
        case respond
        /// Fill the block, from the response's file. Ends in `reads` or `lacksBlock`.
        case fillBlock
        /// Ask whether the file is what it was. Ends in `checks`.
        case check
        /// The block goes into the queue.
        case queueBlock
        /// The response has all it needs, or will not go on: what is kept for it can go.
        case finish
        /// No longer wait in line for a block.
        case stopWaitingForBlock
    }

    typealias Action = ConnectionAction<OwnAction>

    enum Phase: Equatable {
        /// Before a request, or within its head.
        case head
        /// What it asks for is being opened.
        case opening
        /// That is done.
        case opened
        case response
        /// After the last response.
        case closing
        /// All is sent and the write side shut: what comes is thrown away.
        case lingering
    }

    /// The block that is not in the queue yet.
    private enum Block {
        case none
        case filling
        case full
    }

    static let maxBlockCount = 2

    var reception: Reception
    var transmission = Transmission()
    private(set) var phase = Phase.head
    private(set) var isFailed = false
    private(set) var isCut = false
    private(set) var isClosed = false
    private var isDraining = false
    /// The peer's end of stream has come.
    private var hasEnded = false
    private var hasLingered = false
    /// Leases of input that were not read to their end.
    private(set) var inputLeaseCount = 0
    /// Whether there is input that was not looked at.
    private var hasFreshInput = false
    private(set) var isWaitingForBlock = false
    /// An operation on a file is under way.
    private(set) var isFileBusy = false
    private var block = Block.none
    /// Bytes of the file that the response still needs.
    private(set) var remainingByteCount = 0
    /// Whether the file is to be looked at again before the last block goes.
    private var isCheckDue = false
    private var keepsAlive = true
    private var isResponseKept = false

    init(isHeld: Bool = false) { reception = Reception(isHeld: isHeld) }

    var isPaused: Bool { receive == .idle && !hasEnded && !isFailed && phase != .lingering }
    /// From one that pipelines, a multishot receive would bring more than may wait.
    var isLagging: Bool { inputLeaseCount > 1 }
    /// Whether a request has begun to come, and its head is not whole.
    var isWithinHead: Bool {
        phase == .head && inputLeaseCount > 0 && !hasFreshInput && !isFailed && !isWaitingForBlock
            && transmission.leaseCount < Self.maxBlockCount
    }
    /// Whether its peer was told that nothing more comes, has not said so itself, and has time to.
    var isLingering: Bool { phase == .lingering && !hasLingered && !isFailed && !isClosed }
    /// Whether it is the peer's turn to do something.
    var isAwaitingPeer: Bool { isWithinHead || isLingering || transmission.isAwaitingPeer }
    /// Whether a response that begins now is the last one.
    func isLast(requestKeepsAlive: Bool) -> Bool { !requestKeepsAlive || isDraining }

    // MARK: Events of the connection

    /// Bytes came in. - Returns: whether they are input; else the lease is dropped.
    mutating func received() -> Bool {
        guard !isFailed, keepsAlive, phase != .closing, phase != .lingering else { return false }
        inputLeaseCount += 1
        hasFreshInput = true
        return true
    }

    /// So many leases of input were read to their end.
    mutating func consumed(leaseCount: Int) {
        inputLeaseCount -= leaseCount
        if inputLeaseCount == 0 { hasFreshInput = false }
    }

    mutating func receiveEnded(isEndOfStream: Bool, isFailure: Bool, isStarved: Bool) {
        reception.ended(isStarved: isStarved && !isFailed)
        if isEndOfStream { hasEnded = true }
        if isFailure { isFailed = true }
    }

    mutating func sendFailed() {
        transmission.failed()
        isFailed = true
    }

    mutating func drain() { isDraining = true }

    mutating func cut() -> Bool {
        guard !isClosed, !isFailed else { return false }
        isFailed = true
        isCut = true
        return true
    }

    /// It has lingered for long enough.
    mutating func lingered() { hasLingered = true }

    // MARK: Events of a request

    /// The input ends within a head.
    mutating func lacksHead() { hasFreshInput = false }

    /// What the request asks for is being opened.
    mutating func opens() {
        phase = .opening
        isFileBusy = true
    }

    /// It is open, or can't be.
    mutating func opened() {
        isFileBusy = false
        if phase == .opening { phase = .opened }
    }

    /// There is no block, or others were first: it waits.
    mutating func lacksBlock() { isWaitingForBlock = true }

    /// There is a block, and it is this connection's turn.
    mutating func fedBlock() { isWaitingForBlock = false }

    /// A response begins, with its head in the block.
    /// - Parameters:
    ///   - headByteCount: bytes in the block, all to be sent.
    ///   - bodyByteCount: bytes of the file that follow them.
    ///   - sharesBlock: whether bytes of the file go into the same block.
    ///   - isChecked: whether the file is looked at again in the end.
    ///   - isLast: whether the connection ends with it.
    mutating func begins(
        headByteCount: Int, bodyByteCount: Int, sharesBlock: Bool, isChecked: Bool, isLast: Bool
    ) {
        phase = .response
        transmission.owe(byteCount: headByteCount + bodyByteCount)
        remainingByteCount = bodyByteCount
        block = bodyByteCount > 0 && sharesBlock ? .filling : .full
        isCheckDue = isChecked && bodyByteCount > 0
        keepsAlive = !isLast
        isResponseKept = true
    }

    /// The block is being filled.
    mutating func reads() { isFileBusy = true }

    /// Bytes of the file are in the block. - Parameter isFull: whether it goes out so.
    mutating func filled(byteCount: Int, isFull: Bool) {
        isFileBusy = false
        remainingByteCount -= byteCount
        if isFull { block = .full }
    }

    mutating func checks() { isFileBusy = true }

    mutating func checked() {
        isFileBusy = false
        isCheckDue = false
    }

    /// The file can't be read, or is no longer what was promised.
    mutating func fileFailed() {
        isFileBusy = false
        isFailed = true
    }

    // MARK: Actions

    mutating func nextAction(_ limits: Limits) -> Action? {
        guard !isClosed else { return nil }
        if isFailed { return nextActionOfFailed() }
        guard receive != .held else { return nil }
        if transmission.begin() { return .send }
        if let action = nextActionOfRequest() { return action }
        if let action = nextActionOfReceiving(limits) { return action }
        guard isOver, receive == .idle, !transmission.isOwing, !transmission.isBusy else { return nil }
        isClosed = true
        return .close
    }

    /// Whether nothing more is to come of either side, once what is under way has ended.
    private var isOver: Bool {
        phase == .lingering && (hasEnded || hasLingered)
            || hasEnded && (phase == .closing || phase == .head && !hasFreshInput && !isWaitingForBlock)
    }

    private mutating func nextActionOfRequest() -> Action? {
        guard !isFileBusy, !isWaitingForBlock else { return nil }
        switch phase {
        case .head:
            if hasFreshInput {
                return transmission.leaseCount < Self.maxBlockCount ? .own(.readHead) : nil
            }
            if isDraining { phase = .closing }
            return phase == .closing ? nextActionOfClosing() : nil
        case .opening: return nil
        case .opened: return transmission.leaseCount < Self.maxBlockCount ? .own(.respond) : nil
        case .response: return nextActionOfResponse()
        case .closing: return nextActionOfClosing()
        case .lingering: return nil
        }
    }

    private mutating func nextActionOfResponse() -> Action? {
        switch block {
        case .filling: return .own(.fillBlock)
        case .full where remainingByteCount == 0 && isCheckDue: return .own(.check)
        case .full:
            block = .none
            transmission.queueLease()
            return .own(.queueBlock)
        case .none where remainingByteCount > 0:
            guard transmission.leaseCount < Self.maxBlockCount else { return nil }
            block = .filling
            return .own(.fillBlock)
        case .none:
            phase = keepsAlive ? .head : .closing
            isResponseKept = false
            return .own(.finish)
        }
    }

    private mutating func nextActionOfClosing() -> Action? {
        guard transmission.queuedLeaseCount == 0, !hasEnded else { return nil }
        phase = .lingering
        transmission.halfClose()
        return .shutdownWrite
    }

    /// Whether nothing goes on before more comes, or the end does.
    private var needsInput: Bool { phase == .lingering || phase == .head && !hasFreshInput }

    private mutating func nextActionOfReceiving(_ limits: Limits) -> Action? {
        if hasLingered { return endReceiving() }
        switch receive {
        case .armed:
            return inputLeaseCount >= limits.inputLeaseCount && !needsInput ? endReceiving() : nil
        case .idle:
            guard !hasEnded, inputLeaseCount <= limits.inputLeaseCount / 2 || needsInput else { return nil }
            reception.arm()
            return .armReceive
        case .armedForOne, .cancelling, .waiting, .held:
            return nil
        }
    }

    private mutating func nextActionOfFailed() -> Action? {
        if let action = endReceiving() { return action }
        if transmission.cancel() { return .cancelSend }
        if isWaitingForBlock {
            isWaitingForBlock = false
            return .own(.stopWaitingForBlock)
        }
        guard receive == .idle, !transmission.isBusy, !isFileBusy else { return nil }
        if isResponseKept || phase == .opened {
            isResponseKept = false
            phase = .closing
            return .own(.finish)
        }
        isClosed = true
        return transmission.isOwing ? .reset : .close
    }
}
