// swift-tools-version: 6.2
import PackageDescription

// Measures ZeroPool from outside, as a program that embeds it. A package of its own, so that nobody who depends
// on ZeroPool fetches what it is compared with. docs/BENCHMARKS.md tells how to run each.

/// Warnings are errors where the project is developed (scripts/test sets this).
let warningsAreErrors = Context.environment["ZEROPOOL_WARNINGS_AS_ERRORS"] != nil

let swiftSettings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .strictMemorySafety(),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + (warningsAreErrors ? [.treatAllWarnings(as: .error)] : [])

let package = Package(
    name: "Benchmarks",
    dependencies: [
        .package(name: "ZeroPool", path: ".."),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        // What the optimizer cannot see through.
        .target(name: "COpaque"),
        // What the worker asks of the C library that Swift does not show.
        .target(name: "CAllocatorWorker"),
        // Medians and percentiles of rounds.
        .target(name: "Distribution", swiftSettings: swiftSettings),
        .executableTarget(
            name: "get-return",
            dependencies: ["COpaque", .product(name: "ZeroPool", package: "ZeroPool")],
            path: "Sources/GetReturn",
            swiftSettings: swiftSettings),
        // What Benchmarks/allocators drives: one contender a process.
        .executableTarget(
            name: "allocator-worker",
            dependencies: [
                "CAllocatorWorker",
                "COpaque",
                .product(name: "ZeroPool", package: "ZeroPool"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            path: "Sources/AllocatorWorker",
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "send-methods",
            dependencies: [
                "Distribution",
                .product(name: "ZeroPool", package: "ZeroPool"),
                .product(name: "ZeroPoolURing", package: "ZeroPool"),
            ],
            path: "Sources/SendMethods",
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "nio-echo",
            dependencies: [
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Sources/NIOEcho",
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "continuation-echo",
            dependencies: [.product(name: "ZeroPoolURing", package: "ZeroPool")],
            path: "Sources/ContinuationEcho",
            swiftSettings: swiftSettings),
    ]
)
