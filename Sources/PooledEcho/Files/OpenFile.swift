import Glibc
import HTTP1
import ZeroPoolReactor

/// What a path led to: an open file with all that a response says of it, or why there is none.
struct OpenFile {
    enum Kind: Equatable {
        case regular
        /// A directory's listing, as a file.
        case listing
        case directory
        /// What is no file to be served: a device, a pipe, a socket.
        case other
        /// It could not be opened, for the reason `errno`.
        case absent(errno: Int32)
    }

    let kind: Kind
    /// Nil where nothing is open.
    let file: File?
    let status: FileStatus
    let representation: Representation
    let contentType: ContentType

    /// What was opened; `path` tells its type.
    init(_ file: File, path: RawSpan, listing: ListingFormat?) {
        self.file = file
        status = file.status
        switch (status.kind, listing) {
        case (.regular, nil): kind = .regular
        case (.regular, .some): kind = .listing
        case (.directory, _): kind = .directory
        case (.other, _): kind = .other
        }
        let modified = UInt64(bitPattern: Int64(status.modified.seconds)) &* 1_000_000_000
        representation = Representation(
            length: status.byteCount,
            entityTag: EntityTag(
                status.number, modified &+ UInt64(status.modified.nanoseconds), UInt64(status.byteCount)),
            lastModified: HTTPDate(secondsSinceEpoch: status.modified.seconds))
        switch listing {
        case .html: contentType = .html
        case .json: contentType = .json
        case nil: contentType = ContentType(ofFile: path)
        }
    }

    /// What could not be opened.
    init(errno: Int32) {
        let never = FileStatus.Time(seconds: 0)
        kind = .absent(errno: errno)
        file = nil
        status = FileStatus(kind: .other, byteCount: 0, number: 0, modified: never, changed: never)
        representation = Representation(
            length: 0, entityTag: EntityTag(0, 0, 0), lastModified: HTTPDate(secondsSinceEpoch: 0))
        contentType = .octetStream
    }

    /// How a request for what can't be opened is answered. Nobody is told whether there is something outside the root.
    static func refusal(errno: Int32) -> ResponseStatus {
        switch errno {
        case ENOENT, ENOTDIR, ELOOP, EXDEV, ENAMETOOLONG, ENXIO, ENODEV, EISDIR, EINVAL: .notFound
        case EACCES, EPERM: .forbidden
        case EMFILE, ENFILE, ENOMEM, EAGAIN, ENOBUFS, EBUSY: .serviceUnavailable
        default: .internalServerError
        }
    }

    /// Whether that passes: then it is not kept, and nobody else is told the same.
    static func isPassing(errno: Int32) -> Bool {
        let status = refusal(errno: errno)
        return status == .serviceUnavailable || status == .internalServerError
    }
}
