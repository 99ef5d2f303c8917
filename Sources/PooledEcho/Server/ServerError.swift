import Glibc
package import ZeroPoolURing

/// Why a server can't start, or had to end: a sentence for its user, with what to do about it.
package enum ServerError: Error, CustomStringConvertible {
    /// The host is not an address, and no name of one.
    case unknownHost(String, reason: String)
    /// Another program has the port.
    case portInUse(String)
    /// The system refuses to listen there.
    case listen(String, errno: Int32)
    /// What is to be served is no directory, or may not be read.
    case root(String, errno: Int32)
    /// The access log can't be written.
    case accessLog(String, errno: Int32)
    /// A value of the configuration is impossible.
    case configuration(String)
    /// The ring could not be set up, or died.
    case ring(RingError)
    /// Buffers that should be back are not, after the last reactor has ended: a bug of this program.
    case leaked(leaseCount: Int)
    /// Memory that should no longer be registered is, or a reactor that has ended still has buffers: a bug of this program.
    case ringNotEmpty(registeredByteCount: Int, leaseCount: Int)
    /// Another call of the system failed.
    case system(String, errno: Int32)

    package var description: String {
        switch self {
        case .unknownHost(let host, let reason): "cannot listen on '\(host)': \(reason)"
        case .portInUse(let address): "\(address) is in use by another program; choose another --port"
        case .listen(let address, let errno): "cannot listen on \(address): \(ServerError.text(errno))"
        case .root(let path, let errno): "cannot serve '\(path)': \(ServerError.text(errno))"
        case .accessLog(let path, let errno): "cannot write the access log '\(path)': \(ServerError.text(errno))"
        case .configuration(let text): text
        case .ring(let error): error.remedy.map { "\(error). \($0)" } ?? "\(error)"
        case .leaked(let leaseCount): "a bug: \(leaseCount) buffers did not come back to the pool"
        case .ringNotEmpty(let registeredByteCount, let leaseCount):
            "a bug: \(registeredByteCount) bytes are still registered and \(leaseCount) buffers in use"
        case .system(let call, let errno): "\(call): \(ServerError.text(errno))"
        }
    }

    private static func text(_ errno: Int32) -> String { unsafe String(cString: strerror(errno)) }
}
