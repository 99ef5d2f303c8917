// The echo server that a Swift program has without ZeroPool: SwiftNIO, one event loop.
//
//   nio-echo PORT [--async]             SIGTERM or SIGINT prints its CPU time as JSON
import Glibc
import NIOCore
import NIOPosix

let arguments = CommandLine.arguments.dropFirst()
let isAsync = arguments.last == "--async"
guard arguments.count == (isAsync ? 2 : 1), let port = arguments.first.flatMap({ Int($0) }) else {
    print("usage: nio-echo PORT [--async]")
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
let address: SocketAddress
if isAsync {
    let promise = group.next().makePromise(of: SocketAddress.self)
    AsyncEcho.serve(on: group, port: port, address: promise)
    address = try promise.futureResult.wait()
} else {
    let listener = try ServerBootstrap.echo(on: group)
        .childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandlers([BackPressureHandler(), EchoHandler()])
            }
        }
        .bind(host: "127.0.0.1", port: port)
        .wait()
    address = listener.localAddress!
}
print("listening on \(address.ipAddress!):\(address.port!)")
fflush(nil)

var received: Int32 = 0
unsafe sigwait(&stopSignals, &received)

var usage = rusage()
unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
print("{\"user_seconds\": \(seconds(usage.ru_utime)), \"system_seconds\": \(seconds(usage.ru_stime))}")
exit(0)
