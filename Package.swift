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

let package = Package(
    name: "ZeroPool",
    products: [
        .library(name: "ZeroPool", targets: ["ZeroPool"]),
        .library(name: "ZeroPoolURing", targets: ["ZeroPoolURing"]),
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
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        // C: the thread-local slots that the pool's caches hang from.
        .target(name: "CZeroPool"),
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
        // HTTP/1.1 as bytes, without I/O.
        .target(name: "HTTP1", swiftSettings: swiftSettings),
        .target(
            name: "PooledEcho",
            dependencies: [
                "HTTP1", "ZeroPool", "ZeroPoolURing",
                .product(name: "Logging", package: "swift-log", condition: .when(traits: ["Programs"])),
            ],
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "PooledEchoCommand",
            dependencies: [
                "PooledEcho",
                .product(
                    name: "ArgumentParser", package: "swift-argument-parser", condition: .when(traits: ["Programs"])),
                .product(name: "Logging", package: "swift-log", condition: .when(traits: ["Programs"])),
            ],
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "loadgen",
            dependencies: [
                "HTTP1", "ZeroPool", "ZeroPoolURing",
                .product(
                    name: "ArgumentParser", package: "swift-argument-parser", condition: .when(traits: ["Programs"])),
                .product(name: "Histogram", package: "hdrhistogram-swift", condition: .when(traits: ["Programs"])),
            ],
            path: "loadgen",
            swiftSettings: swiftSettings),
        .testTarget(
            name: "LoadgenTests",
            dependencies: [
                "loadgen", "HTTP1", "ZeroPoolURing", "ZeroPool",
                .product(
                    name: "ArgumentParser", package: "swift-argument-parser", condition: .when(traits: ["Programs"])),
                .product(name: "Histogram", package: "hdrhistogram-swift", condition: .when(traits: ["Programs"])),
            ],
            swiftSettings: testSettings),
        .testTarget(
            name: "ZeroPoolTests",
            dependencies: ["ZeroPool", "CZeroPool"],
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
            name: "PooledEchoTests",
            dependencies: ["HTTP1", "PooledEcho", "ZeroPool", "ZeroPoolURing"],
            swiftSettings: testSettings),
        .testTarget(
            name: "HTTP1Tests",
            // The parser that ours is compared with.
            dependencies: [
                "HTTP1",
                .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["Programs"])),
                .product(name: "NIOEmbedded", package: "swift-nio", condition: .when(traits: ["Programs"])),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: .when(traits: ["Programs"])),
            ],
            swiftSettings: testSettings),
        .testTarget(name: "ArchitectureTests", swiftSettings: testSettings),
        .testTarget(
            name: "IntegrationTests",
            // The programs that it runs, and the ring's own word on whether there can be one.
            dependencies: ["PooledEchoCommand", "loadgen", "ZeroPoolURing"],
            exclude: ["Peers"],
            swiftSettings: testSettings),
        .testTarget(
            name: "ZeroPoolURingTests",
            // CLibUring plays the host program that makes a ring by itself.
            dependencies: ["ZeroPoolURing", "ZeroPool", "CLibUring"],
            swiftSettings: testSettings),
    ]
)
