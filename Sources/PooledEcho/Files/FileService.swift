import HTTP1
import ZeroPool
import ZeroPoolURing

/// Files over HTTP/1.1: requests come in, files go out.
///
/// `FileConnection` says what is to be done; this does it, with what `FilePlace` keeps for each connection.
/// `FileService+Requests.swift` reads heads and finds files, `FileService+Responses.swift` begins responses,
/// `FileService+Blocks.swift` moves their bytes, `FileService+Time.swift` keeps the limits on time.
@safe
final class FileService<Ring: FileRing>: Service {
    typealias Connection = FileConnection
    typealias Owner = Reactor<FileService>

    let configuration: FileServiceConfiguration
    /// By connection number; those from `placeCount` up were never needed.
    let places: UnsafeMutablePointer<FilePlace>
    private(set) var placeCount = 0
    // Touched by every request: not checked for exclusivity at run time. One thread uses them, and no method that accesses
    // one calls another that does.
    @exclusivity(unchecked) var files: FileTable
    /// Leases of input behind those that are being read.
    @exclusivity(unchecked) var inputs = LeaseQueues()
    /// Where paths are decoded, and put together.
    @exclusivity(unchecked) var path: PathBuffer
    /// Connections that wait for a block.
    @exclusivity(unchecked) var blockLine: WaitingList
    /// For who is next in that line.
    @exclusivity(unchecked) var spareBlock: PooledBuffer?
    var isTicking = false
    /// As of the last tick.
    @exclusivity(unchecked) var now = HTTPDate(secondsSinceEpoch: 0)
    @exclusivity(unchecked) var dateText = HTTPDate.Text(HTTPDate(secondsSinceEpoch: 0))
    @exclusivity(unchecked) var statistics = FileStatistics()

    /// Nil where requests are not logged.
    let accessLog: AccessLog?
    /// Lines that the log has not got yet.
    @exclusivity(unchecked) var logLines: [UInt8] = []

    /// - Parameter slotCount: connections are numbered below it.
    init(_ configuration: FileServiceConfiguration, slotCount: Int, accessLog: AccessLog? = nil) {
        self.configuration = configuration
        self.accessLog = accessLog
        unsafe places = .allocate(capacity: slotCount)
        unsafe files = FileTable(
            capacity: configuration.openFileCount, lifeTicks: configuration.ticks(configuration.cacheSeconds),
            maxKeptByteCount: configuration.maxKeptByteCount)
        unsafe path = PathBuffer(limit: configuration.headLimits.targetByteCount)
        unsafe blockLine = WaitingList(capacity: slotCount)
    }

    deinit {
        unsafe places.deinitialize(count: placeCount)
        unsafe places.deallocate()
    }

    /// Leases that connections hold here: input that was not read, and blocks that were not sent.
    var leaseCount: Int {
        var count = unsafe inputs.count
        for index in 0..<placeCount {
            if unsafe !places[index].input.isEmpty { count += 1 }
            if unsafe places[index].block != nil { count += 1 }
        }
        return count
    }

    // MARK: Events

    func accepted(_ number: ConnectionNumber, of reactor: Owner) {
        beginTicking(reactor)
        while placeCount <= Int(number) {
            unsafe (places + placeCount).initialize(to: FilePlace(configuration.headLimits))
            placeCount += 1
        }
    }

    func identified(_ number: ConnectionNumber, _ address: PeerAddress) {
        if accessLog != nil { unsafe places[Int(number)].client = Array(address.description.utf8) }
    }

    func received(_ lease: consuming PooledBuffer, on number: ConnectionNumber, of reactor: Owner) {
        let byteCount = lease.count
        guard unsafe reactor.slots[Int(number)].connection.received() else {
            unsafe reactor.statistics.bytes.discarded += byteCount
            return
        }
        unsafe reactor.statistics.bytes.received += byteCount
        unsafe places[Int(number)].input.append(lease, &inputs)
    }

    func handle(_ event: consuming FileEvent, of reactor: Owner) {
        switch consume event {
        case .opened(let number, let descriptor, let status):
            opened(number, .file(descriptor: descriptor, status), reactor)
        case .openFailed(let number, let errno):
            opened(number, .failure(errno: errno), reactor)
        case .read(let number, let block, let byteCount, let errno):
            blockRead(number, block, byteCount, errno, reactor)
        case .checked(let number, let status):
            checked(number, status, reactor)
        }
    }

    private func opened(_ number: ConnectionNumber, _ opening: FilePlace.Opening, _ reactor: Owner) {
        unsafe places[Int(number)].opening = opening
        unsafe reactor.slots[Int(number)].connection.opened()
        reactor.advance(number)
    }

    func perform(_ action: FileConnection.OwnAction, for number: ConnectionNumber, of reactor: Owner) {
        let slot = unsafe reactor.slots + Int(number)
        let place = unsafe places + Int(number)
        switch action {
        case .readHead: unsafe readHead(slot, place, number, reactor)
        case .respond: unsafe resolve(slot, place, number, reactor)
        case .fillBlock: unsafe fillBlock(slot, place, number, reactor)
        case .queueBlock: unsafe queueBlock(slot, place, reactor)
        case .check:
            guard let file = unsafe place.pointee.file else { preconditionFailure("what is checked is open") }
            unsafe slot.pointee.connection.checks()
            unsafe reactor.ring.check(files[file].descriptor, for: number)
        case .finish: unsafe finish(slot, place, reactor)
        case .stopWaitingForBlock: unsafe blockLine.remove(number)
        }
    }

    /// The response has all that it needs, or will not go on.
    private func finish(_ slot: SlotPointer, _ place: PlacePointer, _ reactor: Owner) {
        if let entry = unsafe place.pointee.logEntry.take() {
            unsafe log(entry, lackingByteCount: slot.pointee.connection.remainingByteCount, place)
        }
        if let file = unsafe place.pointee.file.take() { endUse(of: file, reactor) }
        if let file = unsafe place.pointee.bufferedFile.take() { endUse(of: file, reactor) }
        if case .some(.file(let descriptor, _)) = unsafe place.pointee.opening.take() {
            reactor.ring.closeFile(descriptor)
        }
        unsafe place.pointee.block = nil
        unsafe place.pointee.keepsResponse = false
        unsafe place.pointee.responseCount &+= 1
    }

    func endUse(of file: FileTable.Index, _ reactor: Owner) {
        unsafe files.end(file) { reactor.ring.closeFile($0) }
    }

    func closed(_ number: ConnectionNumber, of reactor: Owner) {
        guard number < placeCount else { return }
        let place = unsafe places + Int(number)
        _ = unsafe place.pointee.input.removeAll(&inputs)
        unsafe finish(reactor.slots + Int(number), place, reactor)
        unsafe place.pointee.hasHead = false
        unsafe place.pointee.mayBeDirect = true
        unsafe resetParser(place)
    }

    func resetParser(_ place: PlacePointer) {
        unsafe place.pointee.parser = RequestParser(limits: configuration.headLimits)
    }

    func end(_ reactor: Owner) {
        handOverLog()
        unsafe files.unlistAll { reactor.ring.closeFile($0) }
    }
}
