import ArgumentParser
import LibP2P
import Node
import Primitives

/// Which chain, and where its files are.
struct ChainOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The chain: dev, local, or the path of a chain specification file.",
            valueName: "dev|local|path"))
    var chain: String?

    @Flag(help: "Short for --chain dev --alice --validator --tmp (without --base-path).")
    var dev = false

    @Option(
        name: [.customShort("d"), .customLong("base-path")],
        help: ArgumentHelp(
            "The folder for databases and keys (default: $HOME/.local/share/quantumharmony-node).",
            valueName: "path"))
    var basePath: String?

    @Flag(help: "Keep everything in a temporary folder that is removed at the end.")
    var tmp = false

    func validate() throws {
        if tmp && basePath != nil {
            throw ValidationError("--tmp and --base-path exclude each other; give one of them.")
        }
        if dev, let chain, chain != "dev" {
            throw ValidationError("--dev means --chain dev; it cannot go with --chain \(chain).")
        }
    }

    /// The chain that was asked for.
    var source: NodeConfiguration.ChainSource {
        switch chain ?? (dev ? "dev" : "local") {
        case "dev": .dev
        case "local": .local
        case let path: .file(path: path)
        }
    }

    /// The folder, nil for a temporary one.
    var folder: String? {
        if tmp || (dev && basePath == nil) { return nil }
        return basePath ?? NodeConfiguration.defaultBasePath
    }

    func apply(to configuration: inout NodeConfiguration) throws {
        configuration.chain = source
        configuration.basePath = folder
    }
}

/// Who validates.
struct ValidatorOptions: ParsableArguments {
    @Flag(help: "Vote and produce blocks.")
    var validator = false

    @Flag(help: "The development validator //Alice (with its name).")
    var alice = false
    @Flag(help: "The development validator //Bob.")
    var bob = false
    @Flag(help: "The development validator //Charlie.")
    var charlie = false
    @Flag(help: "The development validator //Dave.")
    var dave = false
    @Flag(help: "The development validator //Eve.")
    var eve = false
    @Flag(help: "The development validator //Ferdie.")
    var ferdie = false

    @Option(help: ArgumentHelp("Any development validator, such as //V7.", valueName: "uri"))
    var suri: String?

    @Option(
        help: ArgumentHelp(
            "Where own measurements come from: simulated (dev chains only), file:PATH or http://...",
            valueName: "source"))
    var quantumSource: String?

    @Option(
        help: ArgumentHelp("Measurements older than this are stale.", valueName: "milliseconds"))
    var quantumMaxAge: UInt64 = 30_000

    @Flag(
        help: ArgumentHelp(
            "State that this key has never signed in the current validator set.",
            discussion:
                "Needed once on chains other than dev and local. A false statement can fork the chain."
        ))
    var initSignState = false

    /// The development validators that have a flag.
    private var named: [String] {
        [
            alice ? "//Alice" : nil, bob ? "//Bob" : nil, charlie ? "//Charlie" : nil,
            dave ? "//Dave" : nil, eve ? "//Eve" : nil, ferdie ? "//Ferdie" : nil, suri,
        ].compactMap { $0 }
    }

    func check(with chain: ChainOptions) throws {
        if named.count > 1 {
            throw ValidationError(
                "A node is one validator; \(named.joined(separator: " and ")) were given.")
        }
        if let suri, !suri.hasPrefix("//") || suri.count < 3 || suri.utf8.count > 64 {
            throw ValidationError(
                "--suri takes a development URI of at most 64 bytes, such as //V7.")
        }
        _ = try origin()
    }

    private func origin() throws -> NodeConfiguration.QuantumOrigin? {
        guard let text = quantumSource else { return nil }
        if text == "simulated" { return .simulated }
        if text.hasPrefix("file:"), text.count > 5 { return .file(path: String(text.dropFirst(5))) }
        if text.hasPrefix("http://") { return .http(url: text) }
        throw ValidationError(
            "--quantum-source takes simulated, file:PATH or http://..., not '\(text)'.")
    }

    func apply(to configuration: inout NodeConfiguration, isDev: Bool) throws {
        configuration.suri = named.first ?? (isDev ? "//Alice" : nil)
        configuration.isValidator = validator || isDev
        if let suri = configuration.suri { configuration.name = String(suri.dropFirst(2)) }
        configuration.quantumOrigin = try origin()
        configuration.quantumMaximumAgeMilliseconds = quantumMaxAge
        configuration.initializeSignState = initSignState
    }
}

/// How peers are found and let in.
struct NetworkOptions: ParsableArguments {
    @Option(
        help: "The TCP port for peers, on all IPv4 interfaces (0: any free port; default: 30333).")
    var port: UInt16?

    @Option(
        name: .customLong("listen-addr"),
        help: ArgumentHelp("An address to listen on; may be repeated.", valueName: "multiaddr"))
    var listenAddresses: [String] = []

    @Option(
        name: .customLong("public-addr"),
        help: ArgumentHelp(
            "An address to tell peers beside those listened on; may be repeated.",
            discussion:
                "For nodes behind address translation or with a name: /dns4/node.example/tcp/30333.",
            valueName: "multiaddr"))
    var publicAddresses: [String] = []

    @Flag(
        name: .customLong("no-mdns"),
        help: ArgumentHelp(
            "Do not look for peers on the local network.",
            discussion:
                "Multicast DNS is also off when every listen address is a loopback address."))
    var isMulticastOff = false

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Peers to dial first; /dns4, /dns6, /dns and /dnsaddr are resolved.",
            valueName: "multiaddr/p2p/peer-id"))
    var bootnodes: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Peers that always get in and are always dialled.", valueName: "multiaddr/p2p/peer-id"))
    var reservedNodes: [String] = []

    @Flag(help: "Let in reserved peers only.")
    var reservedOnly = false

    @Flag(
        name: .customLong("require-pq-transport"),
        help: "Refuse connections that are not encrypted with X25519 and ML-KEM-768 together.")
    var requirePostQuantumTransport = false

    @Option(
        help: ArgumentHelp(
            "How votes and proofs travel: notifications (a stream to each peer), gossipsub (a topic that any libp2p can subscribe to) or both; statuses and requests use the streams in any case.",
            valueName: "notifications|gossipsub|both"),
        transform: Self.gossip)
    var gossip = NodeConfiguration.Gossip.notifications

    @Option(help: "Slots for peers that dial us.")
    var inPeers = 25

    @Option(help: "Slots for peers that we dial.")
    var outPeers = 25

    @Option(help: ArgumentHelp("The node key: 64 hexadecimal digits.", valueName: "hex"))
    var nodeKey: String?

    func validate() throws {
        guard (0...10_000).contains(inPeers), (0...10_000).contains(outPeers) else {
            throw ValidationError("--in-peers and --out-peers take 0 to 10000.")
        }
        if let nodeKey, [UInt8](hex: nodeKey)?.count != 32 {
            throw ValidationError("--node-key takes 64 hexadecimal digits (32 bytes).")
        }
        for text in listenAddresses { _ = try Self.address(text, option: "--listen-addr") }
        for text in publicAddresses { _ = try Self.announced(text) }
        for text in bootnodes { _ = try Self.peer(text, option: "--bootnodes") }
        for text in reservedNodes { _ = try Self.peer(text, option: "--reserved-nodes") }
    }

    private static func gossip(_ text: String) throws -> NodeConfiguration.Gossip {
        guard let gossip = NodeConfiguration.Gossip(rawValue: text) else {
            throw ValidationError(
                "--gossip takes notifications, gossipsub or both, not '\(text)'.")
        }
        return gossip
    }

    private static func address(_ text: String, option: String) throws -> Multiaddr {
        do { return try Multiaddr(text) } catch {
            throw ValidationError("\(option): '\(text)' is no multiaddr: \(error)")
        }
    }

    /// An address to announce: one that a TCP connection can be made to.
    private static func announced(_ text: String) throws -> Multiaddr {
        let address = try address(text, option: "--public-addr")
        guard let bare = address.removingPeerID(), bare.tcpEndpoint != nil, bare.scope != nil else {
            throw ValidationError(
                "--public-addr: '\(text)' is no address that peers could dial: it takes a host and "
                    + "a TCP port, such as /ip4/203.0.113.7/tcp/30333.")
        }
        return bare
    }

    private static func peer(_ text: String, option: String) throws -> Multiaddr {
        let address = try address(text, option: option)
        guard address.peerID != nil else {
            throw ValidationError(
                "\(option): '\(text)' does not end in /p2p/<peer id>. The peer prints its id when it "
                    + "starts, as 'Local node identity is: ...'.")
        }
        return address
    }

    func apply(to configuration: inout NodeConfiguration) throws {
        configuration.listenAddresses = try listenAddresses.map {
            try Self.address($0, option: "--listen-addr")
        }
        if let port {
            configuration.listenAddresses.append(try Multiaddr("/ip4/0.0.0.0/tcp/\(port)"))
        } else if configuration.listenAddresses.isEmpty {
            configuration.listenAddresses = [try Multiaddr("/ip4/0.0.0.0/tcp/30333")]
        }
        configuration.publicAddresses = try publicAddresses.map { try Self.announced($0) }
        configuration.usesMulticastDNS = isMulticastOff ? false : nil
        configuration.requirePostQuantumTransport = requirePostQuantumTransport
        configuration.bootnodes = try bootnodes.map { try Self.peer($0, option: "--bootnodes") }
        configuration.reservedNodes = try reservedNodes.map {
            try Self.peer($0, option: "--reserved-nodes")
        }
        configuration.reservedOnly = reservedOnly
        configuration.gossip = gossip
        configuration.inboundPeerSlots = inPeers
        configuration.outboundPeerSlots = outPeers
        configuration.nodeKey = nodeKey.flatMap { [UInt8](hex: $0) }
    }
}
