import Glibc
import HTTP1
import ZeroPool

/// From a request's bytes to the file that it asks for.
extension FileService {
    typealias SlotPointer = UnsafeMutablePointer<Owner.Slot>
    typealias PlacePointer = UnsafeMutablePointer<FilePlace>

    /// Reads the head at the start of the input, as far as it is there.
    func readHead(_ slot: SlotPointer, _ place: PlacePointer, _ number: ConnectionNumber, _ reactor: Owner) {
        while unsafe !place.pointee.hasHead {
            let outcome = unsafe parse(place)
            switch outcome {
            case .head(let head):
                unsafe place.pointee.head = head
                unsafe place.pointee.hasHead = true
            case .refused(let refusal):
                if refusal == .headTooLarge || refusal == .targetTooLong { unsafe statistics.oversizedHeads += 1 }
                return unsafe refuse(refusal.status, isLast: true, slot, place, number, reactor)
            case .incomplete:
                guard let leaseCount = unsafe place.pointee.input.gather(&inputs) else {
                    return unsafe slot.pointee.connection.lacksHead()
                }
                unsafe slot.pointee.connection.consumed(leaseCount: leaseCount)
            }
        }
        unsafe route(slot, place, number, reactor)
    }

    private func parse(_ place: PlacePointer) -> RequestParser.Outcome {
        unsafe place.pointee.input.withBytes { unsafe place.pointee.parser.parse($0) }
    }

    /// Answers by the head alone, or goes on to the file.
    private func route(_ slot: SlotPointer, _ place: PlacePointer, _ number: ConnectionNumber, _ reactor: Owner) {
        let hasBody = unsafe place.pointee.head.body != .none
        switch unsafe place.pointee.head.method {
        case .get, .head:
            // Nobody here would read it, and where it ends has to be known to find the next request.
            if hasBody { return unsafe refuse(.contentTooLarge, isLast: true, slot, place, number, reactor) }
        case .options:
            return unsafe allow(.ok, isLast: hasBody, slot, place, number, reactor)
        case .other:
            return unsafe refuse(.notImplemented, isLast: hasBody, slot, place, number, reactor)
        case .post, .put, .delete, .patch, .trace, .connect:
            return unsafe allow(.methodNotAllowed, isLast: hasBody, slot, place, number, reactor)
        }
        switch unsafe decodePath(place) {
        case .refused(let refusal): unsafe refuse(refusal.status, isLast: true, slot, place, number, reactor)
        case .decoded(let decoded):
            if decoded.hasHiddenSegment, !configuration.servesDotfiles {
                return unsafe refuse(.notFound, isLast: false, slot, place, number, reactor)
            }
            // With a file it has waited for a block only.
            if unsafe place.pointee.file == nil { unsafe place.pointee.target = decoded.endsInSlash ? .index : .file }
            unsafe find(slot, place, number, reactor)
        }
    }

    private func decodePath(_ place: PlacePointer) -> RequestPath.Outcome {
        let range = unsafe place.pointee.head.path
        return unsafe place.pointee.input.withBytes { unsafe path.decode($0.extracting(range)) }
    }

    /// An open has ended: its file is the target's.
    func resolve(_ slot: SlotPointer, _ place: PlacePointer, _ number: ConnectionNumber, _ reactor: Owner) {
        // Paths have one place, which others have used meanwhile.
        if unsafe place.pointee.hasHead { _ = unsafe decodePath(place) }
        unsafe find(slot, place, number, reactor)
    }

    /// Goes from target to target until there is an answer, or something to be opened. The path is the request's.
    private func find(_ slot: SlotPointer, _ place: PlacePointer, _ number: ConnectionNumber, _ reactor: Owner) {
        while true {
            guard let index = unsafe use(slot, place, number, reactor) else { return }
            unsafe place.pointee.file = index
            if unsafe sendKept(index, slot, place, reactor) { return }
            let file = unsafe files[index]
            switch (unsafe place.pointee.target, file.kind) {
            case (.direct, .regular):
                if let buffered = unsafe place.pointee.bufferedFile.take() { endUse(of: buffered, reactor) }
                return unsafe send(file, slot, place, number, reactor)
            case (.direct, _):
                // Not here, or not any more: then through the page cache, which it is open for.
                endUse(of: index, reactor)
                unsafe place.pointee.file = place.pointee.bufferedFile.take()
                unsafe place.pointee.target = .file
            case (_, .regular) where unsafe wantsDirect(file, place, reactor):
                unsafe place.pointee.bufferedFile = place.pointee.file.take()
                unsafe place.pointee.mayBeDirect = false
                unsafe place.pointee.target = .direct(isIndex: place.pointee.isIndex)
            case (.file, .directory):
                return unsafe redirect(slot, place, number, reactor)
            case (_, .regular), (_, .listing):
                return unsafe send(file, slot, place, number, reactor)
            case (.index, .directory), (.index, .other), (.index, .absent(ENOENT)):
                guard configuration.listsDirectories else {
                    return unsafe refuse(.notFound, isLast: false, slot, place, number, reactor)
                }
                endUse(of: index, reactor)
                unsafe place.pointee.file = nil
                unsafe place.pointee.target = .listing(listingFormat(place))
            case (_, .absent(let errno)):
                return unsafe refuse(OpenFile.refusal(errno: errno), isLast: false, slot, place, number, reactor)
            case (_, .directory), (_, .other):
                return unsafe refuse(.notFound, isLast: false, slot, place, number, reactor)
            }
        }
    }

    /// The target's file, in use; nil when it has to be opened first, which begins.
    private func use(
        _ slot: SlotPointer, _ place: PlacePointer, _ number: ConnectionNumber, _ reactor: Owner
    ) -> FileTable.Index? {
        // From before it waited for a block.
        if let file = unsafe place.pointee.file { return file }
        let aspect: FileTable.Aspect
        var format: ListingFormat?
        switch unsafe place.pointee.target {
        case .file: aspect = .file
        case .index:
            unsafe path.appendIndex()
            aspect = .file
        case .direct(let isIndex):
            if isIndex { unsafe path.appendIndex() }
            aspect = .direct
        case .listing(let listing):
            aspect = listing == .html ? .htmlListing : .jsonListing
            format = listing
        }
        defer { if unsafe place.pointee.isIndex { unsafe path.removeIndex() } }
        let opening = unsafe place.pointee.opening.take()
        return unsafe path.withBytes { path in
            if let opening {
                if let file = unsafe opened(opening, path, format, place) { return add(file, path, aspect, reactor) }
            } else if let file = unsafe files.find(path, aspect) {
                unsafe statistics.openHits += 1
                return file
            }
            unsafe slot.pointee.connection.opens()
            if let format {
                unsafe statistics.listings += 1
                reactor.ring.list(path, as: format, for: number)
            } else {
                unsafe statistics.opens += 1
                reactor.ring.open(path, past: aspect == .direct, for: number)
            }
            return nil
        }
    }

    /// Whether what the request wants of the file is better read past the page cache. Asked once a request.
    private func wantsDirect(_ file: OpenFile, _ place: PlacePointer, _ reactor: Owner) -> Bool {
        guard unsafe place.pointee.mayBeDirect, configuration.engine != .buffered else { return false }
        let range = unsafe wantedRange(of: file, place)
        guard wantsDirect(file, range, reactor) else { return false }
        if configuration.engine == .direct || range.count >= configuration.everDirectByteCount { return true }
        return unsafe !wasDirect(place)
    }

    /// Whether the file was asked for just now, and was read past the page cache then.
    private func wasDirect(_ place: PlacePointer) -> Bool {
        let isIndex = unsafe place.pointee.isIndex
        if isIndex { unsafe path.appendIndex() }
        defer { if isIndex { unsafe path.removeIndex() } }
        return unsafe path.withBytes { path in unsafe files.isListed(path, .direct) }
    }

    /// Opens are tried so often, where a name on the way was moved meanwhile.
    private static var maxRetryCount: Int { 3 }

    /// What was opened; nil to try again.
    private func opened(
        _ opening: FilePlace.Opening, _ path: RawSpan, _ format: ListingFormat?, _ place: PlacePointer
    ) -> OpenFile? {
        switch opening {
        case .file(let descriptor, let status):
            unsafe place.pointee.retryCount = 0
            return OpenFile(descriptor: descriptor, status: status, path: path, listing: format)
        case .failure(EAGAIN) where unsafe place.pointee.retryCount < Self.maxRetryCount:
            unsafe place.pointee.retryCount += 1
            return nil
        case .failure(let errno):
            unsafe place.pointee.retryCount = 0
            return OpenFile(errno: errno)
        }
    }

    private func add(
        _ file: OpenFile, _ path: RawSpan, _ aspect: FileTable.Aspect, _ reactor: Owner
    ) -> FileTable.Index {
        var isPassing = false
        if case .absent(let errno) = file.kind {
            isPassing = OpenFile.isPassing(errno: errno)
            if OpenFile.refusal(errno: errno) == .serviceUnavailable {
                unsafe statistics.refusedOpens += 1
                // Descriptors that nobody uses are for who needs one.
                unsafe files.unlistAll { reactor.ring.closeFile($0) }
            }
        }
        return unsafe files.add(file, path: path, aspect, isPassing: isPassing) { reactor.ring.closeFile($0) }
    }

    /// JSON for who wants it more than HTML, or names it alone. Browsers want HTML, and get it; so does who takes anything.
    private func listingFormat(_ place: PlacePointer) -> ListingFormat {
        var html = MediaQuality(of: "text/html")
        var json = MediaQuality(of: "application/json")
        unsafe place.pointee.input.withBytes { bytes in
            unsafe place.pointee.head.forEachValue(of: .accept, in: bytes) { value in
                html.add(value)
                json.add(value)
                return true
            }
        }
        return json.isAbove(html) ? .json : .html
    }
}
