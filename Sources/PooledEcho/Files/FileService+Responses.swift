import HTTP1
import ZeroPool

/// How responses begin: their heads, and which bytes follow.
extension FileService {
    private static var allowedMethods: StaticString { "GET, HEAD, OPTIONS" }

    /// What follows a head.
    private enum Body {
        case none
        /// The status, as a line of text.
        case text
        case file(Range<Int>)
    }

    // MARK: Kinds of responses

    /// What the request's conditions and range make of a file.
    private func decision(_ file: OpenFile, _ place: PlacePointer) -> RequestHead.Decision {
        guard file.kind == .regular else { return .whole }
        return unsafe place.pointee.input.withBytes { bytes in
            unsafe place.pointee.head.decision(in: bytes, for: file.representation, now: now)
        }
    }

    /// The bytes of a file that the response needs.
    func wantedRange(of file: OpenFile, _ place: PlacePointer) -> Range<Int> {
        guard unsafe place.pointee.head.method == .get else { return 0..<0 }
        switch unsafe decision(file, place) {
        case .whole: return 0..<file.representation.length
        case .part(let part): return part
        default: return 0..<0
        }
    }

    /// A file, as the request's conditions and range want it.
    func send(
        _ file: OpenFile, _ slot: SlotPointer, _ place: PlacePointer, _ number: ConnectionNumber, _ reactor: Owner
    ) {
        let isGet = unsafe place.pointee.head.method == .get
        let length = file.representation.length
        let decision = unsafe decision(file, place)
        var response = ResponseHead(.ok)
        var range = 0..<length
        switch decision {
        case .whole: break
        case .part(let part):
            response.status = .partialContent
            response.contentRange = .part(part, of: length)
            range = part
        case .notModified:
            response.status = .notModified
            range = 0..<0
        case .preconditionFailed:
            return unsafe refuse(.preconditionFailed, isLast: false, slot, place, number, reactor)
        case .rangeNotSatisfiable:
            response.status = .rangeNotSatisfiable
            response.contentRange = .unsatisfied(of: length)
            return unsafe begin(response, .text, isLast: false, slot, place, number, reactor)
        }
        if response.status != .notModified {
            response.contentType = file.contentType
            response.contentLength = range.count
        }
        if file.kind == .regular {
            response.acceptsRanges = true
            response.entityTag = file.representation.entityTag
            response.lastModified = file.representation.lastModified
        } else {
            response.otherFields = "Vary: Accept\r\nCache-Control: no-cache\r\n"
        }
        unsafe begin(
            response, isGet ? .file(range) : .none,
            isForAll: isGet && decision == .whole && file.kind == .regular, isLast: false, slot, place,
            number, reactor)
    }

    /// The response that was kept for who asks so plainly. - Returns: whether there is one.
    func sendKept(_ index: FileTable.Index, _ slot: SlotPointer, _ place: PlacePointer, _ reactor: Owner) -> Bool {
        guard unsafe isPlain(slot, place), let block = unsafe files.response(index) else { return false }
        unsafe statistics.keptResponses += 1
        count(.ok)
        if accessLog != nil { unsafe noteForLog(.ok, bodyByteCount: files[index].representation.length, place) }
        unsafe slot.pointee.connection.begins(
            headByteCount: block.count, bodyByteCount: 0, sharesBlock: false, isChecked: false, isLast: false)
        unsafe place.pointee.block = consume block
        unsafe consumeHead(slot, place, isLast: false)
        return true
    }

    /// Whether all who ask like that get the same.
    private func isPlain(_ slot: SlotPointer, _ place: PlacePointer) -> Bool {
        unsafe place.pointee.head.method == .get && place.pointee.head.version == .http11
            && !place.pointee.head.isConditional
            && !slot.pointee.connection.isLast(requestKeepsAlive: place.pointee.head.keepsAlive)
    }

    /// A status, and nothing else to say. `isLast`: the connection ends with it.
    func refuse(
        _ status: ResponseStatus, isLast: Bool, _ slot: SlotPointer, _ place: PlacePointer,
        _ number: ConnectionNumber, _ reactor: Owner
    ) {
        unsafe begin(ResponseHead(status), .text, isLast: isLast, slot, place, number, reactor)
    }

    /// Which methods there are.
    func allow(
        _ status: ResponseStatus, isLast: Bool, _ slot: SlotPointer, _ place: PlacePointer,
        _ number: ConnectionNumber, _ reactor: Owner
    ) {
        var response = ResponseHead(status)
        response.allow = Self.allowedMethods
        if status == .ok { response.contentLength = 0 }
        unsafe begin(response, status == .ok ? .none : .text, isLast: isLast, slot, place, number, reactor)
    }

    /// To the directory's path with its slash. The path is the request's.
    func redirect(_ slot: SlotPointer, _ place: PlacePointer, _ number: ConnectionNumber, _ reactor: Owner) {
        let query = unsafe place.pointee.input.withBytes { bytes in
            unsafe bytes.extracting(place.pointee.head.query).withUnsafeBytes { unsafe Array($0) }
        }
        let location = unsafe path.withBytes { path in
            [UInt8](capacity: 3 * path.byteCount + query.count + 2) { output in
                output.append(UInt8(ascii: "/"))
                _ = Escaping.append(percentEncoding: path, to: &output)
                output.append(UInt8(ascii: "/"))
                for byte in query { output.append(byte) }
            }
        }
        unsafe begin(
            ResponseHead(.movedPermanently), .text, location: location.span.bytes, isLast: false, slot, place, number,
            reactor)
    }

    // MARK: Beginning

    /// - Parameter isForAll: whether who asks as plainly gets the same.
    private func begin(
        _ response: ResponseHead, _ body: Body, location: RawSpan = RawSpan(), isForAll: Bool = false, isLast: Bool,
        _ slot: SlotPointer, _ place: PlacePointer, _ number: ConnectionNumber, _ reactor: Owner
    ) {
        // Of a head that was refused nothing is known.
        let hasHead = unsafe place.pointee.hasHead
        let keepsAlive = unsafe !isLast && hasHead && place.pointee.head.keepsAlive
        let isLast = unsafe slot.pointee.connection.isLast(requestKeepsAlive: keepsAlive)
        var range = 0..<0
        if case .file(let part) = body { range = part }
        let isDirect = unsafe place.pointee.isDirect
        let room = ResponseHead.maxByteCount + location.byteCount + (response.otherFields?.utf8CodeUnitCount ?? 0) + 64
        guard
            var block = takeBlock(
                isDirect ? room : max(room, min(room + range.count, configuration.blockByteCount)), atLeast: room,
                reactor)
        else {
            // A head that was refused is read from its start again: a parser that has refused does not say so twice.
            if !hasHead { unsafe resetParser(place) }
            return unsafe lackBlock(slot, number)
        }

        var response = response
        unsafe response.date = dateText
        response.connection = isLast ? .close : unsafe place.pointee.head.version == .http10 ? .keepAlive : .unstated
        var text: StaticString?
        if case .text = body {
            response.contentType = .plainText
            response.contentLength = response.status.text.utf8CodeUnitCount + 1
            if unsafe !(hasHead && place.pointee.head.method == .head) { text = response.status.text }
        }
        block.append { output in
            let isWritten = response.append(to: &output, location: location)
            precondition(isWritten, "there was room for the head")
            if let text {
                output.append(text)
                output.append(UInt8(ascii: "\n"))
            }
        }
        count(response.status)
        if accessLog != nil {
            let textByteCount = text.map { $0.utf8CodeUnitCount + 1 } ?? 0
            unsafe noteForLog(response.status, bodyByteCount: range.count + textByteCount, place)
        }
        unsafe slot.pointee.connection.begins(
            headByteCount: block.count, bodyByteCount: range.count, sharesBlock: !isDirect,
            isChecked: range.count >= configuration.checkedByteCount, isLast: isLast)
        let isWhole = block.capacity - block.count >= range.count && !isDirect
        unsafe place.pointee.keepsResponse =
            isForAll && isWhole && response.connection == .unstated
        unsafe place.pointee.block = consume block
        unsafe place.pointee.offset = range.lowerBound
        unsafe place.pointee.requestedByteCount = 0
        unsafe consumeHead(slot, place, isLast: isLast)
    }

    /// The request is answered; of the last one's connection nothing more is read.
    private func consumeHead(_ slot: SlotPointer, _ place: PlacePointer, isLast: Bool) {
        var leaseCount = 0
        if isLast {
            leaseCount = unsafe place.pointee.input.removeAll(&inputs)
        } else if unsafe place.pointee.hasHead {
            leaseCount = unsafe place.pointee.input.consume(byteCount: place.pointee.head.byteCount, &inputs)
        }
        unsafe slot.pointee.connection.consumed(leaseCount: leaseCount)
        unsafe place.pointee.hasHead = false
        unsafe place.pointee.mayBeDirect = true
        unsafe resetParser(place)
    }

    private func count(_ status: ResponseStatus) {
        switch status.rawValue {
        case ..<300: unsafe statistics.responses.successful += 1
        case ..<400: unsafe statistics.responses.redirecting += 1
        case ..<500: unsafe statistics.responses.clientErrors += 1
        default: unsafe statistics.responses.serverErrors += 1
        }
    }
}

extension [UInt8] {
    /// What `body` writes into a span of that capacity.
    init(capacity: Int, _ body: (inout OutputRawSpan) -> Void) {
        self = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            let memory = UnsafeMutableRawBufferPointer(buffer)
            var output = unsafe OutputRawSpan(buffer: memory, initializedCount: 0)
            body(&output)
            count = unsafe output.finalize(for: memory)
        }
    }
}
