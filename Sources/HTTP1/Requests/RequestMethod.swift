/// A request's method. Method names are case-sensitive (RFC 9110, 9.1).
package enum RequestMethod: Sendable, Equatable {
    case get, head, options, post, put, delete, patch, trace, connect
    /// A token that none of those is; a server answers 501.
    case other

    init(_ name: RawSpan) {
        switch name.byteCount {
        case 3: self = name.isEqual(to: "GET") ? .get : name.isEqual(to: "PUT") ? .put : .other
        case 4: self = name.isEqual(to: "HEAD") ? .head : name.isEqual(to: "POST") ? .post : .other
        case 5: self = name.isEqual(to: "PATCH") ? .patch : name.isEqual(to: "TRACE") ? .trace : .other
        case 6: self = name.isEqual(to: "DELETE") ? .delete : .other
        case 7: self = name.isEqual(to: "OPTIONS") ? .options : name.isEqual(to: "CONNECT") ? .connect : .other
        default: self = .other
        }
    }
}
