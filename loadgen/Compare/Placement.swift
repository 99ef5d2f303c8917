/// Where the server and the load run: on a processor each, where there are two.
struct Placement: Codable, Equatable, Sendable {
    /// Nil when nothing is pinned.
    let server: Int?
    let load: Int?
    /// The two are threads of one core, and share what it has.
    let sharesCore: Bool

    /// The server takes the last processor, far from where a system does its own work; the load takes another, of
    /// another core where there is one.
    init(allowed: [Int], siblings: (Int) -> [Int]) {
        guard allowed.count > 1, let server = allowed.last else {
            (server, load, sharesCore) = (nil, nil, false)
            return
        }
        let ofSameCore = siblings(server)
        let elsewhere = allowed.first { !ofSameCore.contains($0) }
        self.server = server
        load = elsewhere ?? allowed[0]
        sharesCore = elsewhere == nil
    }

    var text: String {
        guard let server, let load else {
            return "Only one processor may be used: nothing is pinned, server and load take turns on it."
        }
        return "Server pinned to processor \(server), loadgen to processor \(load)"
            + (sharesCore ? " (two threads of one core)." : ".")
    }
}
