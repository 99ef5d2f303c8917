import Glibc
import ZeroPool
import ZeroPoolURing

/// Files, as the kernel has them.
///
/// An open is `openat2`, then `statx` of what was opened: one event for both. A listing is `openat2`, then a thread that may
/// block. Paths and statuses stand in leases of memory from `malloc`, so that finding a file takes no buffer of the pool.
extension KernelRing: FileRing {
    /// What the kernel is told of every file: not to wait for the other end of a pipe, or for a device.
    private static let openFlags = UInt64(O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
    /// `O_DIRECT`, which Swift's Glibc does not show.
    #if arch(arm64)
        private static let directFlag: UInt64 = 0x10000
    #else
        private static let directFlag: UInt64 = 0x4000
    #endif
    private static let pathByteCountLimit = 4095

    func prepareFiles(_ source: FileSource) throws(RingError) {
        openings = Array(repeating: FileOpening(), count: setup.fileSlotCount)
        guard source.lister != nil else { return }
        guard let replies = ListingReplies() else { throw RingError(.setUp, errno: EMFILE) }
        listingReplies = replies
        armListings(replies)
    }

    private static func context(_ kind: LeaseKind, _ connection: ConnectionNumber) -> UInt64 {
        kind.rawValue << 56 | UInt64(connection)
    }

    // MARK: Operations

    func takeBlock(_ byteCount: Int) -> PooledBuffer? {
        // Aligned, as a read past the page cache wants it.
        setup.mode == .malloc ? AllocatedBuffers.tryGet(byteCount, alignment: 4096) : setup.pool.tryGet(byteCount)
    }

    func open(_ path: RawSpan, past pastCache: Bool, for connection: ConnectionNumber) {
        openings[Int(connection)] = FileOpening()
        open(path, flags: Self.openFlags | (pastCache ? Self.directFlag : 0), for: connection)
    }

    func list(_ path: RawSpan, as format: ListingFormat, for connection: ConnectionNumber) {
        openings[Int(connection)] = FileOpening(listing: format)
        let flags = Self.openFlags | UInt64(O_DIRECTORY)
        guard path.isEmpty else { return open(path, flags: flags, for: connection) }
        unsafe open([UInt8(ascii: ".")].span.bytes, flags: flags, for: connection)
    }

    private func open(_ path: RawSpan, flags: UInt64, for connection: ConnectionNumber) {
        guard let root = setup.files?.root.descriptor else { preconditionFailure("files are served from somewhere") }
        // The kernel would say the same: a path that is too long is no path.
        let isTooLong = path.byteCount > Self.pathByteCountLimit
        let byteCount = (isTooLong ? 0 : path.byteCount) + RingPool.fileOperationByteCount
        guard var lease = AllocatedBuffers.tryGet(byteCount) else { fatalError("the system has no memory for a path") }
        if !isTooLong { lease.append(copying: path) }
        ringPool.open(
            lease, from: root, flags: flags, resolution: [.beneath, .noMagicLinks],
            context: Self.context(.open, connection))
    }

    func read(
        into lease: consuming PooledBuffer, byteCount: Int, from file: Int32, offset: Int,
        for connection: ConnectionNumber
    ) {
        ringPool.read(
            into: lease, byteCount: byteCount, from: .file(file), offset: Int64(offset),
            context: Self.context(.read, connection))
    }

    func check(_ file: Int32, for connection: ConnectionNumber) { askStatus(of: file, .check, for: connection) }

    private func askStatus(of file: Int32, _ kind: LeaseKind, for connection: ConnectionNumber) {
        guard let lease = AllocatedBuffers.tryGet(RingPool.fileOperationByteCount) else {
            fatalError("the system has no memory for a status")
        }
        ringPool.status(of: file, into: lease, context: Self.context(kind, connection))
    }

    /// As much of a range is looked at: what the kernel counts, it counts page by page.
    private static let sampleByteCount = 8 << 20

    func isResident(_ file: Int32, _ range: Range<Int>) -> Bool {
        let sample = range.prefix(Self.sampleByteCount)
        guard let byteCount = PageCache.residentByteCount(of: file, offset: sample.startIndex, count: sample.count)
        else { return true }
        return 2 * byteCount >= sample.count
    }

    func closeFile(_ file: Int32) { ring.close(.file(file), userData: KernelRing.userData(.other)) }

    var wallClockSeconds: Int { time(nil) }

    // MARK: Events

    func fileCompleted(
        _ completed: consuming RingPool.Completed, _ connection: ConnectionNumber,
        _ body: (consuming ReactorEvent) -> Void
    ) {
        let result = completed.result
        let kind = LeaseKind(rawValue: completed.context >> 56)
        guard let lease = completed.takeLease() else {
            preconditionFailure("an operation on a file has one completion, with its lease")
        }
        switch kind {
        case .open: openCompleted(result, connection, body)
        case .status: statusCompleted(result, lease, connection, body)
        case .read:
            body(.file(.read(connection, lease, byteCount: Int(max(0, result)), errno: max(0, -result))))
        case .check:
            body(.file(.checked(connection, result < 0 ? nil : unsafe FileStatus(of: lease))))
        case .send, nil: assertionFailure("sends are not files")
        }
    }

    private func openCompleted(
        _ result: Int32, _ connection: ConnectionNumber, _ body: (consuming ReactorEvent) -> Void
    ) {
        guard result >= 0 else { return body(.file(.openFailed(connection, errno: -result))) }
        if let format = openings[Int(connection)].listing {
            guard let lister = setup.files?.lister, let listingReplies else {
                preconditionFailure("who lists directories has a lister")
            }
            lister.list(directory: result, as: format, for: connection, to: listingReplies)
        } else {
            openings[Int(connection)].descriptor = result
            askStatus(of: result, .status, for: connection)
        }
    }

    private func statusCompleted(
        _ result: Int32, _ lease: consuming PooledBuffer, _ connection: ConnectionNumber,
        _ body: (consuming ReactorEvent) -> Void
    ) {
        let descriptor = openings[Int(connection)].descriptor
        openings[Int(connection)].descriptor = -1
        guard result >= 0 else {
            closeFile(descriptor)
            return body(.file(.openFailed(connection, errno: -result)))
        }
        body(.file(.opened(connection, file: descriptor, unsafe FileStatus(of: lease))))
    }

    // MARK: Listings

    private func armListings(_ replies: ListingReplies) {
        ring.poll(.file(replies.descriptor), events: UInt32(POLLIN), userData: KernelRing.userData(.listings))
    }

    func listingsCompleted(_ completion: Completion, _ body: (consuming ReactorEvent) -> Void) {
        guard let listingReplies else { return }
        if let errno = completion.errno {
            failure = RingError(.wait, errno: errno)
            return
        }
        for reply in listingReplies.take() {
            switch reply.outcome {
            case .success(let listing):
                body(.file(.opened(reply.connection, file: listing.descriptor, listing.status)))
            case .failure(let error): body(.file(.openFailed(reply.connection, errno: error.errno)))
            }
        }
        armListings(listingReplies)
    }
}
