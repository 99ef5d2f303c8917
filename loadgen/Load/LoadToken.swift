/// What a completion is about: an operation, and the thread's connection that it belongs to. 64 bits of user data.
struct LoadToken {
    enum Operation: UInt64 {
        case connect, receive, send, tick, cancel
    }

    let userData: UInt64

    init(_ operation: Operation, connection index: Int = 0) {
        userData = operation.rawValue << 32 | UInt64(index)
    }

    init(userData: UInt64) {
        self.userData = userData
    }

    var operation: Operation { Operation(rawValue: userData >> 32)! }
    var index: Int { Int(userData & 0xffff_ffff) }
}
