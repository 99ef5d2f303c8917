// swift-tools-version: 6.2
import PackageDescription

/// Warnings are errors where the project is developed (scripts/test sets this), never for who depends on it.
let warningsAreErrors = Context.environment["ZEROPOOL_WARNINGS_AS_ERRORS"] != nil

let testSettings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + (warningsAreErrors ? [.treatAllWarnings(as: .error)] : [])

let swiftSettings = testSettings + [.strictMemorySafety()]

/// Tests beside other packages, swift-nio's HTTP parser and a service group, which take minutes to fetch and to build.
/// `scripts/test --full` sets this.
let hasPeers = Context.environment["ZEROPOOL_PEER_TESTS"] != nil

func peers<Element>(_ elements: [Element]) -> [Element] { hasPeers ? elements : [] }

let peerPackages: [Package.Dependency] = peers([
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
])

let package = Package(
    name: "ZeroPool",
    products: [
        .library(name: "ZeroPool", targets: ["ZeroPool"]),
        .library(name: "ZeroPoolURing", targets: ["ZeroPoolURing"]),
        .library(name: "ZeroPoolReactor", targets: ["ZeroPoolReactor"]),
        .library(name: "ZeroPoolMetrics", targets: ["ZeroPoolMetrics"]),
        .executable(name: "pooled-echo", targets: ["PooledEchoCommand"]),
        .executable(name: "loadgen", targets: ["loadgen"]),
    ],
    // What the libraries do without: who depends on this package with `traits: []` fetches no other.
    traits: [
        .default(enabledTraits: ["Metrics", "Programs"]),
        .trait(name: "Metrics", description: "ZeroPoolMetrics, the pool's statistics for swift-metrics"),
        .trait(name: "Programs", description: "pooled-echo and loadgen"),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ] + peerPackages,
    targets: [
        // C: the thread-local slots that the pool's caches hang from.
        .target(name: "CZeroPool"),
        // What programs need of the system in more than one place: addresses, threads, descriptor limits, standard output.
        .target(name: "SystemSupport", swiftSettings: swiftSettings),
        // What the command lines of both programs have in common: options with units, the version, misspelt subcommands.
        .target(
            name: "CommandSupport",
            dependencies: [
                .product(
                    name: "ArgumentParser", package: "swift-argument-parser", condition: .when(traits: ["Programs"]))
            ],
            swiftSettings: swiftSettings),
        // C: static-inline shims over the system's liburing.
        .target(name: "CLibUring", linkerSettings: [.linkedLibrary("uring")]),
        .target(
            name: "ZeroPool",
            dependencies: ["CZeroPool"],
            // `RawSpan` and `MutableRawSpan` as properties of a lease; clients need no flag.
            swiftSettings: swiftSettings + [.enableExperimentalFeature("Lifetimes")]),
        .target(
            name: "ZeroPoolURing",
            dependencies: ["ZeroPool", "CLibUring"],
            swiftSettings: swiftSettings),
        // The pool's statistics for swift-metrics.
        .target(
            name: "ZeroPoolMetrics",
            dependencies: [
                "ZeroPool",
                .product(name: "CoreMetrics", package: "swift-metrics", condition: .when(traits: ["Metrics"])),
            ],
            swiftSettings: swiftSettings),
        // Reactors, connections and files with async/await on the ring.
        .target(
            name: "ZeroPoolReactor",
            dependencies: ["CZeroPool", "SystemSupport", "ZeroPool", "ZeroPoolURing"],
            swiftSettings: swiftSettings),
        // Programs on the reactors, as an embedder would write them.
        .executableTarget(
            name: "echo-example", dependencies: ["ZeroPool", "ZeroPoolReactor"], path: "Sources/Examples/Echo",
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "proxy-example", dependencies: ["ZeroPool", "ZeroPoolReactor"], path: "Sources/Examples/Proxy",
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "copy-example", dependencies: ["ZeroPool", "ZeroPoolReactor"], path: "Sources/Examples/Copy",
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "chat-example", dependencies: ["ZeroPool", "ZeroPoolReactor"], path: "Sources/Examples/Chat",
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "client-example", dependencies: ["ZeroPool", "ZeroPoolReactor"], path: "Sources/Examples/Client",
            swiftSettings: swiftSettings),
        // HTTP/1.1 as bytes, without I/O.
        .target(name: "HTTP1", swiftSettings: swiftSettings),
        .target(
            name: "PooledEcho",
            dependencies: [
                "HTTP1", "SystemSupport", "ZeroPool", "ZeroPoolReactor",
                .product(name: "Logging", package: "swift-log", condition: .when(traits: ["Programs"])),
            ],
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "PooledEchoCommand",
            dependencies: [
                "CommandSupport", "PooledEcho", "ZeroPoolReactor", "SystemSupport",
                .product(
                    name: "ArgumentParser", package: "swift-argument-parser", condition: .when(traits: ["Programs"])),
                .product(name: "Logging", package: "swift-log", condition: .when(traits: ["Programs"])),
            ],
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "loadgen",
            dependencies: [
                "CommandSupport", "HTTP1", "SystemSupport", "ZeroPool", "ZeroPoolURing",
                .product(
                    name: "ArgumentParser", package: "swift-argument-parser", condition: .when(traits: ["Programs"])),
                .product(name: "Crypto", package: "swift-crypto", condition: .when(traits: ["Programs"])),
                .product(name: "Histogram", package: "hdrhistogram-swift", condition: .when(traits: ["Programs"])),
            ],
            path: "loadgen",
            swiftSettings: swiftSettings),
        // Helpers of several test targets.
        .target(
            name: "TestSupport", dependencies: ["SystemSupport", "ZeroPoolURing"], path: "Tests/TestSupport",
            swiftSettings: testSettings),
        .testTarget(
            name: "LoadgenTests",
            dependencies: [
                "loadgen", "CommandSupport", "HTTP1", "SystemSupport", "TestSupport", "ZeroPoolURing", "ZeroPool",
                .product(
                    name: "ArgumentParser", package: "swift-argument-parser", condition: .when(traits: ["Programs"])),
                .product(name: "Histogram", package: "hdrhistogram-swift", condition: .when(traits: ["Programs"])),
            ],
            swiftSettings: testSettings),
        .testTarget(
            name: "ZeroPoolTests",
            dependencies: ["ZeroPool", "CZeroPool", "TestSupport"],
            swiftSettings: testSettings),
        .testTarget(
            name: "ZeroPoolMetricsTests",
            dependencies: [
                "ZeroPoolMetrics", "ZeroPool",
                .product(name: "CoreMetrics", package: "swift-metrics", condition: .when(traits: ["Metrics"])),
                .product(name: "MetricsTestKit", package: "swift-metrics", condition: .when(traits: ["Metrics"])),
            ],
            swiftSettings: testSettings),
        .testTarget(
            name: "ZeroPoolReactorTests",
            // The server's handlers run on the simulated kernel, too.
            dependencies: [
                "HTTP1", "PooledEcho", "SystemSupport", "TestSupport", "ZeroPool", "ZeroPoolReactor", "ZeroPoolURing",
            ],
            swiftSettings: testSettings),
        .testTarget(
            name: "ReactorAPITests",
            // The programs that it runs, and what runs a group as a service.
            dependencies: [
                "SystemSupport", "ZeroPool", "ZeroPoolReactor", "echo-example", "proxy-example", "copy-example",
                "chat-example", "client-example",
                .product(name: "Logging", package: "swift-log", condition: .when(traits: ["Programs"])),
            ] + peers([.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")]),
            exclude: hasPeers ? [] : ["ServiceTests.swift"],
            swiftSettings: testSettings),
        .testTarget(
            name: "PooledEchoTests",
            dependencies: [
                "HTTP1", "PooledEcho", "SystemSupport", "TestSupport", "ZeroPool", "ZeroPoolReactor", "ZeroPoolURing",
            ],
            swiftSettings: testSettings),
        .testTarget(
            name: "HTTP1Tests",
            // The parser that ours is compared with.
            dependencies: ["HTTP1", "TestSupport"]
                + peers([
                    .product(name: "NIOCore", package: "swift-nio"),
                    .product(name: "NIOEmbedded", package: "swift-nio"),
                    .product(name: "NIOHTTP1", package: "swift-nio"),
                ]),
            exclude: hasPeers ? [] : ["DifferentialTests.swift"],
            swiftSettings: testSettings),
        .testTarget(name: "SystemSupportTests", dependencies: ["SystemSupport"], swiftSettings: testSettings),
        .testTarget(name: "ArchitectureTests", swiftSettings: testSettings),
        .testTarget(
            name: "IntegrationTests",
            // The programs that it runs, and the ring's own word on whether there can be one.
            dependencies: ["PooledEchoCommand", "loadgen", "TestSupport", "ZeroPoolURing"],
            exclude: ["Peers"],
            swiftSettings: testSettings),
        .testTarget(
            name: "ZeroPoolURingTests",
            // CLibUring plays the host program that makes a ring by itself.
            dependencies: ["ZeroPoolURing", "ZeroPool", "CLibUring", "TestSupport"],
            swiftSettings: testSettings),
    ]
)

/// Without programs and their tests: what is built for a sanitizer.
if Context.environment["ZEROPOOL_LIBRARY_TESTS_ONLY"] != nil {
    let tests = ["ZeroPoolTests", "ZeroPoolURingTests", "HTTP1Tests", "ZeroPoolReactorTests", "PooledEchoTests"]
    package.targets.removeAll { $0.type == .executable || $0.type == .test && !tests.contains($0.name) }
    package.products.removeAll { $0 is Product.Executable }
}
