// The echo server that a Swift program has without ZeroPool: SwiftNIO, one event loop.
//
//   nio-echo PORT                       SIGTERM or SIGINT prints its CPU time as JSON
import Glibc
import NIOCore
import NIOPosix

guard CommandLine.arguments.count == 2, let port = Int(CommandLine.arguments[1]) else {
    print("usage: nio-echo PORT")
    exit(2)
}

// Blocked before the event loop's thread exists, so that every thread inherits it and `sigwait` below is the only
// one that takes the signal.
var stopSignals = sigset_t()
unsafe sigemptyset(&stopSignals)
unsafe sigaddset(&stopSignals, SIGTERM)
unsafe sigaddset(&stopSignals, SIGINT)
unsafe pthread_sigmask(SIG_BLOCK, &stopSignals, nil)

let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
let listener = try ServerBootstrap(group: group)
    .serverChannelOption(.backlog, value: 4096)
    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
    .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
    .childChannelOption(.allowRemoteHalfClosure, value: true)
    // Grows to 64 KiB where messages fill it, and stays small where they do not. Neither a fixed 64 KiB nor twice the
    // maximum cost less.
    .childChannelOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 64, initial: 2048, maximum: 65536)
    )
    .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandlers([BackPressureHandler(), EchoHandler()])
        }
    }
    .bind(host: "127.0.0.1", port: port)
    .wait()
let address = listener.localAddress!
print("listening on \(address.ipAddress!):\(address.port!)")
fflush(nil)

var received: Int32 = 0
unsafe sigwait(&stopSignals, &received)

var usage = rusage()
unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
print("{\"user_seconds\": \(seconds(usage.ru_utime)), \"system_seconds\": \(seconds(usage.ru_stime))}")
exit(0)
