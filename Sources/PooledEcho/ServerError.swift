import SystemSupport
package import ZeroPoolReactor

/// Why a server can't start, or had to end: a sentence for its user, with what to do about it.
package enum ServerError: Error, CustomStringConvertible {
    /// The host is neither an address nor a known name.
    case unknownHost(String, reason: String)
    /// What should be served is no directory, or may not be read.
    case root(String, errno: Int32)
    /// The access log can't be written.
    case accessLog(String, errno: Int32)
    /// A value of the configuration is impossible.
    case configuration(String)
    /// The reactors could not start, or had to end.
    case reactor(ReactorError)
    /// A system call failed.
    case system(SystemError)

    package var description: String {
        switch self {
        case .unknownHost(let host, let reason): "cannot listen on '\(host)': \(reason)"
        case .root(let path, let errno): "cannot serve '\(path)': \(SystemError.text(errno))"
        case .accessLog(let path, let errno): "cannot write the access log '\(path)': \(SystemError.text(errno))"
        case .configuration(let text): text
        case .reactor(.portInUse(let address)): "\(address) is in use by another program; choose another --port"
        case .reactor(.leaked(let leaseCount)): "a bug: \(leaseCount) buffers did not come back to the pool"
        case .reactor(let error): "\(error)"
        case .system(let error): "\(error)"
        }
    }
}
