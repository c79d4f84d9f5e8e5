import Foundation
import TestSupport

/// Validators of one chain in processes of their own, every one connected to every other one.
final class ValidatorNetwork {
    let validatorCount: Int
    let slotMilliseconds: Int
    private(set) var nodes: [NodeProcess] = []
    let testnet: Testnet
    private let names: [String]
    private let options: [String]
    private var addresses: [String] = []
    private var proxies: [DelayingProxy] = []

    /// - Parameters:
    ///   - validators: how many the chain has.
    ///   - running: how many of them are started; nil: all.
    ///   - oneWayDelayMilliseconds: each connection's bytes are delayed so long, in each direction.
    ///   - options: added to the command line of each node.
    ///   - environment: added to the environment of each node.
    init(
        validators: Int, running: Int? = nil, slotMilliseconds: Int,
        oneWayDelayMilliseconds: Int? = nil, log: String = "info", options: [String] = [],
        environment: [String: String] = [:]
    ) async throws {
        validatorCount = validators
        self.options = Self.roomForAll + options
        self.slotMilliseconds = slotMilliseconds
        testnet = try Testnet(slotMilliseconds: slotMilliseconds, validators: validators)
        let known = ["alice", "bob", "charlie", "dave", "eve", "ferdie"]
        names = (0..<validators).map { $0 < known.count ? known[$0] : "v\($0 + 1)" }
        for name in names.prefix(running ?? validators) {
            let node = try await testnet.start(
                name, bootnodes: addresses, log: log, options: self.options,
                environment: environment)
            nodes.append(node)
            guard var port = testnet.peerPort(of: name) else { continue }
            if let oneWayDelayMilliseconds {
                let proxy = try DelayingProxy(to: port, milliseconds: oneWayDelayMilliseconds)
                proxies.append(proxy)
                port = proxy.port
            }
            addresses.append("/ip4/127.0.0.1/tcp/\(port)/p2p/\(try await node.peerID())")
        }
    }

    private static let roomForAll = ["--in-peers", "200", "--out-peers", "200"]

    /// Of the nodes that run.
    var clients: [RPCClient] {
        nodes.filter(\.isRunning).map { RPCClient(port: $0.rpcPort) }
    }

    /// The ports on which the nodes listen for each other.
    var peerPorts: [Int] { names.compactMap(testnet.peerPort) }

    /// Starts a killed node again, on the same files and ports.
    func restart(_ position: Int, log: String = "info") async throws {
        nodes[position] = try await testnet.start(
            names[position],
            bootnodes: addresses.enumerated().filter { $0.offset != position }
                .map(\.element), log: log, options: options)
    }

    /// The height that is final at every node.
    func finalisedNumber() throws -> UInt32 {
        try clients.map { try $0.finalisedNumber() }.min() ?? 0
    }

    /// Waits until so many more blocks are final at every node, and returns the time that passed
    /// from the first moment to the last one.
    @discardableResult
    func run(blocks: Int) async throws -> TimeWindow {
        let start = MachineClock.microseconds
        let goal = try finalisedNumber() + UInt32(blocks)
        let seconds = Double(blocks * slotMilliseconds) / 1_000 * 3 + 60
        for node in nodes where node.isRunning {
            try await node.waitForFinality(of: goal, seconds: seconds)
        }
        return TimeWindow(start: start, end: MachineClock.microseconds)
    }

    /// Ends all processes.
    func stop() { for node in nodes { node.kill() } }
}

/// A time on the monotonic clock, in microseconds.
struct TimeWindow {
    let start: Int
    let end: Int

    var seconds: Double { Double(end - start) / 1e6 }

    func contains(_ time: Int) -> Bool { time >= start && time <= end }
}
