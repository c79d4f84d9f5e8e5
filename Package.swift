// swift-tools-version: 6.2
import PackageDescription

/// `scripts/fuzz` builds our modules with libFuzzer's coverage and AddressSanitizer.
let instrumentation: [SwiftSetting] =
    Context.environment["QH_LIBFUZZER"] == nil
    ? [] : [.unsafeFlags(["-sanitize=fuzzer,address"])]

/// Every target is built under the same rules: Swift 6 language mode, warnings are errors.
let strict: [SwiftSetting] =
    instrumentation + [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .treatAllWarnings(as: .error),
    ]

/// The dependency products by the short names used below.
let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioWebSocket = Target.Dependency.product(name: "NIOWebSocket", package: "swift-nio")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let unixSignals = Target.Dependency.product(
    name: "UnixSignals", package: "swift-service-lifecycle")

func module(
    _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = [],
    resources: [Resource] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, exclude: exclude, resources: resources,
        swiftSettings: strict)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// Tests are not optimised unless they compute a lot themselves or have deadlines: that would take
/// four times as long as compiling them, and what they test is optimised anyway.
///
/// With `isOutsider` they see what another package would see: public declarations alone.
func tests(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [],
    isOptimised: Bool = false, isOutsider: Bool = false
) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, exclude: exclude, packageAccess: !isOutsider,
        swiftSettings: isOptimised ? strict : strict + [.unsafeFlags(["-Onone"])])
}

let package = Package(
    name: "quantumharmony",
    products: [
        .library(name: "SCALE", targets: ["SCALE"]),
        .library(name: "Falcon", targets: ["Falcon"]),
        .library(name: "LibP2P", targets: ["LibP2P", "Primitives"]),
        .library(name: "LibP2PNIO", targets: ["LibP2PNIO"]),
        .library(name: "LibP2PConformance", targets: ["LibP2PConformance"]),
        .library(name: "Coherence", targets: ["Coherence", "Primitives"]),
        .executable(name: "quantumharmony-node", targets: ["quantumharmony-node"]),
        .executable(name: "quantumharmony-signer", targets: ["quantumharmony-signer"]),
        .executable(name: "quantumharmony-simulate", targets: ["quantumharmony-simulate"]),
        .library(name: "FuzzEntry", type: .static, targets: ["FuzzEntry"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        // Without its two optional parts: SwiftPM passes their names to the compiler in an order that
        // changes with each plan, so now and then all of it was compiled again.
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CResolver"),

        // The pure core: no sockets, files, clocks, global randomness, tasks or actors.
        module("SCALE"),
        module("Primitives", ["SCALE", "CSodium"]),
        module("Falcon"),
        module("Metrics"),
        module("Chain", ["Primitives", "SCALE"]),
        module(
            "BlockSync", ["Chain", "Primitives", "SCALE", protobuf],
            exclude: ["Protobuf/Schemas"]),
        module("Coherence", ["Chain", "Primitives", "SCALE"]),
        module("VoteGossip", ["Coherence", "Chain", "Primitives", "SCALE"]),
        module(
            "Validator", ["VoteGossip", "Coherence", "BlockSync", "Chain", "Primitives", "SCALE"]),
        module("ModelCheck", ["Coherence", "Chain", "Primitives", "SCALE"]),
        module(
            "LibP2P", ["Primitives", crypto, cryptoExtras, protobuf], exclude: ["Protobuf/Schemas"]),
        module("LibP2PConformance", ["LibP2P", "Primitives"]),

        module("Testnet"),

        // The shell.
        module(
            "Networking",
            ["LibP2P", "Primitives", "CResolver", nioCore, nioPosix, logging, deque]),
        module("LibP2PNIO", ["Networking", "LibP2P", logging]),
        module("Storage", ["Coherence", "Chain", "Primitives", "SCALE", grdb]),
        module("Keystore", ["Falcon", "Primitives", "LibP2P", "SCALE", "CSodium", crypto]),
        module(
            "RemoteSigning",
            [
                "Storage", "Keystore", "Falcon", "Coherence", "Chain", "Primitives", "SCALE",
                logging,
            ]),
        module("KeyOptions", ["Keystore", argumentParser]),
        module(
            "RPC",
            [
                "Coherence", "Chain", "Keystore", "Primitives", "SCALE", nioCore, nioPosix,
                nioHTTP1, nioWebSocket, deque, logging,
            ]),
        // The files of the page are bytes in the program, so that it needs no folder beside it.
        module("Dashboard", ["RPC", nioHTTP1], resources: [.embedInCode("Pages")]),
        module(
            "Node",
            [
                "BlockSync", "Chain", "Coherence", "Dashboard", "Falcon", "Keystore", "LibP2P",
                "Metrics", "Networking", "Primitives", "RemoteSigning", "RPC", "SCALE", "Storage",
                "Validator", "VoteGossip", logging, unixSignals, nioCore, nioPosix, nioHTTP1,
            ]),
        module(
            "Simulation",
            ["Validator", "VoteGossip", "Coherence", "BlockSync", "Chain", "Primitives", "SCALE"]),
        program(
            "quantumharmony-node",
            [
                "Node", "Chain", "Coherence", "Falcon", "KeyOptions", "Keystore", "LibP2P",
                "Primitives", "Testnet", argumentParser, logging,
            ]),
        program(
            "quantumharmony-signer",
            [
                "Node", "RemoteSigning", "KeyOptions", "Keystore", "Storage", "Falcon",
                argumentParser, logging,
            ]),
        program("quantumharmony-simulate", ["Simulation", "ModelCheck", argumentParser]),

        .executableTarget(
            name: "example-embedded-node", dependencies: ["Node", "LibP2P", logging],
            path: "examples/EmbeddedNode", swiftSettings: strict),
        .executableTarget(
            name: "quantumharmony-evil-node",
            dependencies: [
                "Node", "VoteGossip", "Coherence", "LibP2P", "Primitives", "SCALE", argumentParser,
                logging,
            ], path: "Tests/EvilNode", swiftSettings: strict),
        .target(
            name: "TestSupport",
            dependencies: [
                "Chain", "Coherence", "Falcon", "Keystore", "LibP2P", "Networking", "Primitives",
                "RPC", "SCALE", "VoteGossip", logging,
            ],
            path: "Tests/Support", swiftSettings: strict),
        .target(
            name: "Fuzzing",
            dependencies: [
                "TestSupport", "Node", "RPC", "Storage", "Validator", "VoteGossip", "Coherence",
                "BlockSync", "Chain", "Falcon", "Keystore", "LibP2P", "Primitives", "RemoteSigning",
                "SCALE", nioCore, nioEmbedded,
            ],
            path: "Fuzz/Targets", swiftSettings: strict),
        .target(
            name: "FuzzEntry", dependencies: ["Fuzzing"], path: "Fuzz/Entry",
            swiftSettings: strict),
        .executableTarget(
            name: "quantumharmony-fuzz", dependencies: ["Fuzzing", "Primitives", argumentParser],
            path: "Fuzz/Program", swiftSettings: strict),
        .executableTarget(
            name: "quantumharmony-benchmark",
            dependencies: [
                "TestSupport", "Falcon", "LibP2P", "Networking", "Primitives", argumentParser,
                nioCore, nioPosix, logging,
            ],
            path: "Benchmarks", exclude: ["results", "falcon_pqcrypto.py", "slow_sync.c"],
            swiftSettings: strict),
        tests("SCALETests", ["SCALE"]),
        tests("PrimitivesTests", ["Primitives", "SCALE"]),
        tests("FalconTests", ["Falcon", crypto]),
        tests("MetricsTests", ["Metrics"]),
        tests("ChainTests", ["TestSupport", "Chain", "Primitives", "SCALE"]),
        tests("BlockSyncTests", ["TestSupport", "BlockSync", "Chain", "Primitives", "SCALE"]),
        tests(
            "CoherenceTests", ["TestSupport", "Coherence", "Chain", "Primitives", "SCALE"],
            isOptimised: true),
        tests(
            "ModelCheckTests", ["ModelCheck", "Coherence", "Chain", "Primitives"],
            isOptimised: true),
        tests(
            "VoteGossipTests",
            [
                "TestSupport", "VoteGossip", "Coherence", "Chain", "Primitives", "SCALE", "Falcon",
                "Keystore",
            ]),
        tests(
            "ValidatorTests",
            [
                "Simulation", "Validator", "VoteGossip", "Coherence", "BlockSync", "Chain",
                "Primitives",
            ]),
        tests(
            "LibP2PTests", ["LibP2P", "Primitives", "Simulation", crypto, cryptoExtras],
            isOptimised: true),
        tests(
            "NetworkingTests", ["Networking", "LibP2P", "Primitives", nioCore, nioPosix, logging],
            isOptimised: true),
        tests(
            "StorageTests", ["Storage", "Coherence", "Chain", "Primitives", "SCALE", grdb],
            exclude: ["Schemas"]),
        tests("KeystoreTests", ["Keystore", "Falcon", "Primitives", "LibP2P", crypto]),
        tests(
            "RemoteSigningTests",
            [
                "RemoteSigning", "Storage", "Keystore", "Falcon", "Coherence", "Chain",
                "Primitives", "SCALE",
            ]),
        tests(
            "RPCTests",
            [
                "TestSupport", "RPC", "Coherence", "Chain", "Primitives", "SCALE", nioCore,
                nioPosix,
                logging,
            ], isOptimised: true),
        tests(
            "ArticleTests",
            [
                "SCALE", "Falcon", "LibP2P", "LibP2PNIO", "LibP2PConformance", "Coherence",
                "Primitives",
            ], isOutsider: true),
        tests(
            "DashboardTests", ["TestSupport", "Dashboard", "RPC", logging],
            exclude: ["browser.py", "feed.py", "scenarios.py"]),
        tests(
            "SimulationTests",
            [
                "TestSupport", "Simulation", "Validator", "VoteGossip", "Coherence", "Chain",
                "Primitives",
            ]),
        tests("FuzzTests", ["Fuzzing", "Primitives"]),
        tests(
            "NodeTests",
            [
                "Node", "Metrics", "Validator", "Keystore", "Falcon", "Coherence", "Chain",
                "Primitives", "SCALE", logging,
            ]),
        tests("TestnetTests", ["Testnet"]),
        tests(
            "IntegrationTests",
            ["TestSupport", "Networking", "LibP2P"], exclude: ["kill_switch.c", "fault_shim.c"]),
        tests(
            "InteropTests",
            [
                "TestSupport", "BlockSync", "Chain", "SCALE", "Networking", "LibP2P", "LibP2PNIO",
                "Falcon", "Primitives", "RPC", logging,
            ],
            exclude: [
                "peers", "verify_certificate.py", "falcon_pqcrypto.py", "follow_sets.py",
                "sign_logs.py",
            ]),
        tests("DeployTests", ["TestSupport"]),
        tests("TidyTests", [], isOptimised: true),
    ]
)
