/// The arrows of the architecture: what each module may import, and which modules are pure.
enum ModuleRules {
    /// Modules without sockets, files, clocks, global randomness, tasks or actors.
    static let pure: Set<String> = [
        "SCALE", "Primitives", "Falcon", "Chain", "BlockSync", "Coherence", "VoteGossip",
        "Validator", "LibP2P", "LibP2PConformance", "Metrics", "Simulation", "ModelCheck",
        "Testnet",
    ]

    /// Everything a module may import; anything else is a broken arrow.
    static let allowedImports: [String: Set<String>] = [
        "SCALE": [],
        "Primitives": ["SCALE", "CSodium"],
        "Falcon": ["Synchronization"],
        "Metrics": [],
        "Chain": ["Primitives", "SCALE"],
        "BlockSync": ["Chain", "Primitives", "SCALE", "SwiftProtobuf"],
        "Coherence": ["Chain", "Primitives", "SCALE"],
        "ModelCheck": ["Coherence", "Chain", "Primitives", "SCALE"],
        "VoteGossip": ["Coherence", "Chain", "Primitives", "SCALE"],
        "Validator": ["VoteGossip", "Coherence", "BlockSync", "Chain", "Primitives", "SCALE"],
        "LibP2P": ["Primitives", "Crypto", "CryptoExtras", "SwiftProtobuf"],
        "LibP2PConformance": ["LibP2P", "Primitives"],
        "LibP2PNIO": ["Networking", "LibP2P", "Logging", "Synchronization"],
        "Networking": [
            "LibP2P", "Primitives", "CResolver", "NIOCore", "NIOPosix", "Logging",
            "Synchronization", "DequeModule", "Glibc",
        ],
        "Storage": [
            "Validator", "Coherence", "Chain", "Primitives", "SCALE", "GRDB", "Foundation", "Glibc",
            "Synchronization",
        ],
        "Keystore": [
            "Falcon", "Primitives", "SCALE", "LibP2P", "CSodium", "Crypto", "Foundation", "Glibc",
            "Synchronization",
        ],
        "RemoteSigning": [
            "Storage", "Keystore", "Falcon", "Coherence", "Chain", "Primitives", "SCALE",
            "Logging", "Dispatch", "Glibc", "Synchronization",
        ],
        "KeyOptions": ["Keystore", "ArgumentParser", "Glibc"],
        "RPC": [
            "Coherence", "Chain", "Keystore", "Primitives", "SCALE", "NIOCore", "NIOPosix",
            "NIOHTTP1", "NIOWebSocket", "DequeModule", "Logging", "Foundation", "Glibc",
            "Synchronization",
        ],
        "Dashboard": ["RPC", "NIOHTTP1"],
        "Node": [
            "BlockSync", "Chain", "Coherence", "Dashboard", "Falcon", "Keystore", "LibP2P",
            "Metrics", "Networking", "Primitives", "RemoteSigning", "RPC", "SCALE", "Storage",
            "Validator", "VoteGossip", "Logging", "UnixSignals", "NIOCore", "NIOPosix", "NIOHTTP1",
            "Foundation", "Glibc", "Dispatch",
            "Synchronization",
        ],
        "Simulation": [
            "Validator", "VoteGossip", "Coherence", "BlockSync", "Chain", "Primitives", "SCALE",
        ],
        "Testnet": [],
        "quantumharmony-node": [
            "Testnet", "Node", "Chain", "Coherence", "Falcon", "KeyOptions", "Keystore", "LibP2P",
            "Primitives", "ArgumentParser", "Logging", "Foundation", "Glibc", "Synchronization",
        ],
        "quantumharmony-signer": [
            "Node", "RemoteSigning", "KeyOptions", "Keystore", "Storage", "Falcon",
            "ArgumentParser", "Logging",
        ],
        "quantumharmony-simulate": [
            "Simulation", "ModelCheck", "ArgumentParser", "Foundation", "Glibc",
        ],
    ]

    /// Number tables and reviewed kernels that may pass 500 lines.
    static let longFiles: Set<String> = []

    /// Calls that bring the outside world into a pure module.
    static let bannedInPureModules = [
        "Date(", "ContinuousClock", "SuspendingClock", "DispatchQueue", "DispatchTime",
        "SystemRandomNumberGenerator", "Task {", "Task.detached", "Task.sleep", "await ",
        " async ", "ProcessInfo", "getenv(", "addingProduct",
    ]

    /// Calls that no source may contain.
    static let bannedEverywhere = [
        "try!", "fatalError(", "TODO", "FIXME", "Task.detached", "nonisolated(unsafe)",
    ]
}
