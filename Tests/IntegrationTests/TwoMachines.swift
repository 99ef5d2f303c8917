import Glibc
import Testing

/// Two machines, as far as the network goes: a namespace for a server, one for its peers, and a wire between them.
///
/// The namespaces have no names: each is there for as long as a program runs in it, and the one that holds it open ends
/// with its standard input. So nothing is left of them, however the tests end.
final class TwoMachines: Sendable {
    static let serverAddress = "10.77.0.1"
    static let peerAddress = "10.77.0.2"

    private let server: ChildProcess
    private let peer: ChildProcess

    init() throws {
        server = try Self.namespace()
        peer = try Self.namespace()
        try run(["ip", "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", String(peer.id)])
        for (launcher, address) in [(serverLauncher, Self.serverAddress), (peerLauncher, Self.peerAddress)] {
            try run(["ip", "address", "add", "\(address)/24", "dev", "wire"], launcher)
            try run(["ip", "link", "set", "lo", "up"], launcher)
            try run(["ip", "link", "set", "wire", "up"], launcher)
        }
    }

    private static func namespace() throws -> ChildProcess {
        let holder = try ChildProcess("unshare", ["--net", "sh", "-c", "echo open; exec cat"], hasInput: true)
        try holder.waitForLine("open")
        return holder
    }

    /// What turns into a program that runs on the server's machine, or on its peers'.
    var serverLauncher: [String] { launcher(server) }
    var peerLauncher: [String] { launcher(peer) }

    private func launcher(_ holder: ChildProcess) -> [String] { ["nsenter", "--target", String(holder.id), "--net"] }

    private func run(_ command: [String], _ launcher: [String]? = nil) throws {
        let line = (launcher ?? serverLauncher) + command
        let process = try ChildProcess(line)
        #expect(try process.waitForEnd() == .exited(0), "\(process.commandLine): \(process.standardError)")
    }

    /// What the server sends waits in a queue from now on, and leaves it at so many megabits a second.
    func slowDown(megabitsPerSecond: Int) throws {
        let rate = "\(megabitsPerSecond)mbit"
        try run(["tc", "qdisc", "add", "dev", "wire", "root", "tbf", "rate", rate, "burst", "128k", "latency", "60s"])
    }

    /// An address from which packets come over the wire, and to which nothing gets: the server's answers go to a bridge that
    /// leads nowhere, whose peer end is named `end`.
    static let unreachableAddress = "10.88.0.2"

    /// The answers are dropped there, which takes no copy of them, unlike any delivery within one kernel.
    func makeUnreachable() throws {
        // IPv6 has words of its own for each new device.
        for launcher in [serverLauncher, peerLauncher] {
            try run(
                ["sh", "-c", "cd /proc/sys/net/ipv6/conf/all && echo 1 >disable_ipv6 || true"], launcher)
        }
        try run(["ip", "link", "add", "void", "type", "veth", "peer", "name", "end", "netns", String(peer.id)])
        for command in [
            "ip link add nowhere type bridge", "ip link set end master nowhere", "ip link set end up",
            "ip link set nowhere up",
        ] { try run(command.split(separator: " ").map(String.init), peerLauncher) }
        for command in [
            "ip link set void up", "ip route add \(Self.unreachableAddress) dev void",
            "ip neighbour add \(Self.unreachableAddress) lladdr 02:00:00:00:00:01 dev void",
        ] { try run(command.split(separator: " ").map(String.init)) }
        // The answers leave by another way than the questions came, and when those come, not by a pace of the server's.
        let reno = "echo reno >/proc/sys/net/ipv4/tcp_congestion_control"
        try run(["sh", "-c", "for file in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$file; done; \(reno)"])
    }

    /// Nothing comes through any more, and nobody is told.
    func cutWire() throws { try run(["ip", "link", "set", "wire", "down"], peerLauncher) }
}

extension Trait where Self == ConditionTrait {
    /// This machine lets us make namespaces of the network, and wires between them.
    static var networkNamespaces: Self {
        .enabled(if: whyNoNamespaces == nil, "no network namespaces: \(whyNoNamespaces ?? "")")
    }
}

private let whyNoNamespaces: Comment? = {
    for name in ["ip", "tc", "unshare", "nsenter"] where !Program.isPresent(name) { return "\(name) is not installed" }
    guard geteuid() == 0 else { return "only root makes them" }
    let script = "ip link add wire type veth peer name other"
    guard let process = try? ChildProcess("unshare", ["--net", "sh", "-c", script]),
        (try? process.waitForEnd()) == .exited(0)
    else { return "this machine does not let us make them" }
    return nil
}()
