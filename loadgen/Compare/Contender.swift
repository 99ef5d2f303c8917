import FoundationEssentials

/// Where a program's buffers come from: what a comparison measures side by side.
enum Contender: String, CaseIterable, Codable, Sendable {
    /// The C library's `malloc` with its defaults.
    case malloc
    /// The same with thresholds so high that it keeps freed blocks.
    case mallocTuned = "malloc-tuned"
    /// Microsoft's allocator, preloaded in place of the C library's.
    case mimalloc
    /// The pool.
    case pooled
    /// The pool, its memory registered with the ring: the server's default.
    case registered

    /// The contender that stands for the pool in a summary.
    static let pool = registered

    /// The contenders that this machine has.
    static var available: [Contender] { allCases.filter { $0 != .mimalloc || Mimalloc.path != nil } }

    var title: String {
        switch self {
        case .mallocTuned: "malloc, tuned"
        default: rawValue
        }
    }

    var usesPool: Bool { self == .pooled || self == .registered }

    /// What `pooled-echo --buffers` is told.
    var bufferMode: String { usesPool ? rawValue : "malloc" }

    /// Variables that a program with these buffers is started with.
    var environment: [String: String] {
        switch self {
        case .malloc, .pooled, .registered: [:]
        // 32 MiB is the most that older releases of glibc accept as the second.
        case .mallocTuned: ["MALLOC_TRIM_THRESHOLD_": "4294967296", "MALLOC_MMAP_THRESHOLD_": "33554432"]
        case .mimalloc: ["LD_PRELOAD": Mimalloc.path ?? ""]
        }
    }
}

/// The mimalloc of this machine.
enum Mimalloc {
    /// The library that is preloaded, or nil where none is installed.
    static let path: String? = {
        let files = FileManager.default
        let multiarch = ((try? files.contentsOfDirectory(atPath: "/usr/lib")) ?? [])
            .filter { $0.hasSuffix("-linux-gnu") }.sorted().map { "/usr/lib/\($0)" }
        for folder in multiarch + ["/usr/lib64", "/usr/lib", "/usr/local/lib", "/usr/local/lib64"] {
            for name in ["libmimalloc.so.3", "libmimalloc.so.2", "libmimalloc.so"] {
                let path = "\(folder)/\(name)"
                if files.fileExists(atPath: path) { return path }
            }
        }
        return nil
    }()

    /// The library's file name with its version: `libmimalloc.so.2.0`.
    static var version: String? {
        path.map { URL(filePath: $0).resolvingSymlinksInPath().lastPathComponent }
    }

    /// Whether a running process has the library in its memory.
    static func isLoaded(inProcess id: Int32) -> Bool {
        FileSystem.contents(ofKernelFile: "/proc/\(id)/maps")?.contains("/libmimalloc") == true
    }
}

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
