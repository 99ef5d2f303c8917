// The echo server that comes first to mind with io_uring and async/await: an actor owns the ring, each operation is a
// continuation that its completion resumes, and received bytes are copied into an array. No pool, no registered memory,
// no provided buffers. Swift packages for io_uring work like this.
//
//   continuation-echo PORT              SIGTERM or SIGINT ends it
import Glibc

guard CommandLine.arguments.count == 2, let port = UInt16(CommandLine.arguments[1]) else {
    print("usage: continuation-echo PORT")
    exit(2)
}

let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
var isSet: Int32 = 1
unsafe setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &isSet, socklen_t(MemoryLayout<Int32>.size))
var address = sockaddr_in()
address.sin_family = sa_family_t(AF_INET)
address.sin_port = port.bigEndian
address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
let isBound = unsafe withUnsafePointer(to: &address) { pointer in
    unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
    }
}
guard isBound, listen(listener, 4096) == 0 else {
    unsafe perror("continuation-echo")
    exit(1)
}

let ring = RingActor()
// Detached, since the main thread is the ring's.
Task.detached { await serve(on: ring, listener) }
print("listening on 127.0.0.1:\(port)")
fflush(nil)
ring.run()
