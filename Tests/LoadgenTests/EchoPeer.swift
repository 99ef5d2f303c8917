import Glibc
import Synchronization
@testable import loadgen

/// An echo server on a real socket, a thread a connection, that does one thing wrong if told to.
final class EchoPeer: Sendable {
    enum Fault: Sendable, Equatable {
        case none
        /// What it does to the byte at this offset of each connection's stream.
        case flips(at: Int)
        case drops(at: Int)
        case duplicates(at: Int)
        case swapsWithNext(at: Int)
        /// Sends to one connection what another sent.
        case crosses
        /// Closes, resets, or goes silent, once this many bytes are echoed.
        case closes(after: Int)
        case resets(after: Int)
        case hangs(after: Int)
        /// Never sends more than this many bytes at a time.
        case trickles(byteCount: Int)
        /// Sends before anything was received.
        case greets
    }

    let port: UInt16
    private let listener: Int32
    private let fault: Fault
    private let sockets = Mutex<[Int32]>([])
    private let crossing = Mutex<Int32?>(nil)

    var acceptedCount: Int { sockets.withLock { $0.count } }

    init(_ fault: Fault = .none, ipv6: Bool = false) {
        self.fault = fault
        (listener, port) = Self.listen(ipv6: ipv6)
        Self.detach { [self] in acceptAll() }
    }

    /// A listener on a free port of loopback.
    static func listen(ipv6: Bool) -> (listener: Int32, port: UInt16) {
        let listener = socket(ipv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var storage = sockaddr_storage()
        storage.ss_family = sa_family_t(ipv6 ? AF_INET6 : AF_INET)
        var byteCount = socklen_t(ipv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            let raw = UnsafeMutableRawPointer(pointer)
            if ipv6 {
                raw.assumingMemoryBound(to: sockaddr_in6.self).pointee.sin6_addr = in6addr_loopback
            } else {
                raw.assumingMemoryBound(to: sockaddr_in.self).pointee.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            }
            let address = raw.assumingMemoryBound(to: sockaddr.self)
            precondition(bind(listener, address, byteCount) == 0 && Glibc.listen(listener, 1024) == 0)
            getsockname(listener, address, &byteCount)
            // The port stands at the same place in both families.
            return (listener, raw.loadUnaligned(fromByteOffset: 2, as: UInt16.self).bigEndian)
        }
    }

    /// Ends the listener and all connections.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        for socket in sockets.withLock({ $0 }) { shutdown(socket, Int32(SHUT_RDWR)) }
    }

    /// Runs `body` on a thread of its own.
    static func detach(_ body: @escaping @Sendable () -> Void) {
        final class Box: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Box(body))
        let status = pthread_create(
            &thread, nil,
            {
                Unmanaged<Box>.fromOpaque($0!).takeRetainedValue().body()
                return nil
            }, box.toOpaque())
        precondition(status == 0)
        pthread_detach(thread)
    }

    private func acceptAll() {
        while true {
            let accepted = accept(listener, nil, nil)
            guard accepted >= 0 else { break }
            sockets.withLock { $0.append(accepted) }
            Self.detach { [self] in
                serve(accepted)
                shutdown(accepted, Int32(SHUT_RDWR))
            }
        }
    }

    private func serve(_ socket: Int32) {
        if fault == .greets { _ = write([1, 2, 3], to: socket) }
        let target = partner(of: socket)
        var buffer = [UInt8](repeating: 0, count: 65536)
        var offset = 0
        while true {
            let byteCount = recv(socket, &buffer, buffer.count, 0)
            guard byteCount > 0 else { return }
            let received = Array(buffer[..<byteCount])
            defer { offset += byteCount }
            switch fault {
            case .closes(let limit) where offset + byteCount > limit:
                return
            case .resets(let limit) where offset + byteCount > limit:
                var lingering = linger(l_onoff: 1, l_linger: 0)
                setsockopt(
                    socket, SOL_SOCKET, SO_LINGER, &lingering, socklen_t(MemoryLayout<linger>.size))
                close(socket)
                return
            case .hangs(let limit) where offset + byteCount > limit:
                continue
            default:
                guard write(altered(received, at: offset), to: target) else { return }
            }
        }
    }

    private func altered(_ bytes: [UInt8], at offset: Int) -> [UInt8] {
        var bytes = bytes
        func index(_ position: Int) -> Int? { bytes.indices.contains(position - offset) ? position - offset : nil }
        switch fault {
        case .flips(let position):
            if let index = index(position) { bytes[index] ^= 0x10 }
        case .drops(let position):
            if let index = index(position) { bytes.remove(at: index) }
        case .duplicates(let position):
            if let index = index(position) { bytes.insert(bytes[index], at: index) }
        case .swapsWithNext(let position):
            if let index = index(position), index + 1 < bytes.count { bytes.swapAt(index, index + 1) }
        default: break
        }
        return bytes
    }

    private func write(_ bytes: [UInt8], to socket: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            var piece = rest
            if case .trickles(let byteCount) = fault { piece = rest.prefix(byteCount) }
            let sent = piece.withUnsafeBytes { bytes in
                send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }

    /// Of two connections, each is the other's; any further one is its own.
    private func partner(of socket: Int32) -> Int32 {
        guard fault == .crosses else { return socket }
        while true {
            let both = sockets.withLock { Array($0.prefix(2)) }
            if both.count == 2 { return both[0] == socket ? both[1] : both[0] }
            usleep(1000)
        }
    }
}

/// One connection of an echo, without its socket: the loop, and the reader of what comes back, which is always right.
struct EchoLoop {
    private(set) var connection: LoadConnection
    private var answers: EchoAnswers
    private var receivedByteCount = 0

    init(messageByteCount: Int, pipeline: Int) {
        let exchange = EchoExchange(messageByteCount: messageByteCount)
        connection = LoadConnection(
            messageByteCount: messageByteCount, pipeline: pipeline, longestRunByteCount: exchange.longestRunByteCount)
        answers = exchange.answers(onConnection: 0)
    }

    /// The loop begins at time 100.
    mutating func begin() -> LoadConnection.Action {
        connection.connected()
        return connection.begin(at: 100)
    }

    mutating func sent(_ result: Int32, at now: UInt64) -> LoadConnection.Action { connection.sent(result, at: now) }
    mutating func receiveEnded(_ result: Int32) -> LoadConnection.Action { connection.receiveEnded(result) }
    mutating func stop(at now: UInt64) -> LoadConnection.Action { connection.stop(at: now) }

    /// So many further bytes came back.
    mutating func received(
        _ byteCount: Int, at now: UInt64, completed: (UInt64) -> Void
    ) -> LoadConnection.Action {
        guard let answerableByteCount = connection.answerableByteCount else { return .none }
        var answerCount = 0
        var rest = byteCount
        while rest > 0 {
            let piece = min(rest, BytePattern.longestRunByteCount)
            let bytes = Array(BytePattern.shared.run(connection: 0, offset: receivedByteCount, byteCount: piece))
            let taken = answers.take(bytes.span.bytes, answerableByteCount: answerableByteCount)
            precondition(taken.fault == nil && taken.byteCount == piece, "\(taken)")
            answerCount += taken.answerCount
            receivedByteCount += piece
            rest -= piece
        }
        return connection.answered(answerCount, isLast: false, at: now, completed: completed)
    }
}
