import Glibc

/// A failed system call.
struct SystemCallFailure: Error {
    let call: String
    let errno: Int32
}

@discardableResult
func check(_ call: String, _ result: Int32) throws -> Int32 {
    if result < 0 { throw SystemCallFailure(call: call, errno: errno) }
    return result
}

func setSocketOption(_ descriptor: Int32, _ option: Int32, _ value: Int32) throws {
    var value = value
    try check("setsockopt", setsockopt(descriptor, SOL_SOCKET, option, &value, socklen_t(MemoryLayout<Int32>.size)))
}
