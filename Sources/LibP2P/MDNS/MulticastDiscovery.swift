public import Primitives

/// A network that this machine is on: an address of its own and the length of the prefix.
public struct IPv4Network: Sendable, Hashable {
    public let address: IPv4Address
    /// 0 to 32 bits.
    public let prefixLength: Int

    public init(address: IPv4Address, prefixLength: Int) {
        precondition((0...32).contains(prefixLength))
        self.address = address
        self.prefixLength = prefixLength
    }

    /// Whether an address is in this network.
    public func contains(_ other: IPv4Address) -> Bool {
        let difference = UInt64(address.rawValue ^ other.rawValue)
        return difference >> UInt64(32 - prefixLength) == 0
    }
}

/// How multicast DNS finds peers.
public struct MulticastDiscoveryConfiguration: Sendable, Hashable {
    /// The pause before the second question; doubles with each one.
    public var firstInterval = Duration.milliseconds(500)
    /// The longest pause between questions.
    public var longestInterval = Duration.seconds(300)
    /// The least time between two answers.
    public var answerInterval = Duration.seconds(1)
    /// How long answers hold, in seconds.
    public var timeToLive: UInt32 = 360
    /// Packets that are looked at.
    public var packets = RateLimit(burst: 200, perSecond: 50)
    /// Peers that are reported.
    public var reports = RateLimit(burst: 32, perSecond: 4)
    /// Peers that are remembered.
    public var maximumPeers = 256
    /// Addresses of one peer, and addresses that this node announces.
    public var maximumAddresses = 8

    public init() {}
}

/// Finds peers on the local network (libp2p specification "mdns", RFC 6762): asks for
/// `_p2p._udp.local` by multicast, answers who asks, and reports who answered.
///
/// A decider without sockets and clocks. Anybody on the network can send what they like, so a
/// report is no more than a hint where to dial: only packets from the own networks are looked at,
/// only addresses on those networks are believed, and packets, reports and memory are bounded.
public struct MulticastDiscovery: Sendable {
    /// What happened.
    public enum Input: Sendable, Hashable {
        /// The sockets are open.
        case start
        /// Where this node listens, without peer id.
        case setAddresses([Multiaddr])
        /// The networks that are asked. At the start there is none, and nothing is believed.
        case setNetworks([IPv4Network])
        /// A packet came.
        case received([UInt8], from: IPv4Address)
        /// The time of the last `setTimer` is reached.
        case timer
    }

    /// What is to be done, in this order.
    public enum Effect: Sendable, Hashable {
        /// Send a packet to all networks.
        case send([UInt8])
        /// A peer says that it can be dialled there: addresses without peer id.
        case found(PeerID, [Multiaddr])
        /// Come back with `timer` at that time; replaces every earlier one.
        case setTimer(Instant)
    }

    /// The names of the specification.
    package enum Names {
        package static let service = name("_p2p._udp.local")
        package static let services = name("_services._dns-sd._udp.local")
        static let domain = name("local")

        private static func name(_ text: String) -> DNSName {
            guard let name = DNSName(text) else { preconditionFailure("\(text) is a name") }
            return name
        }
    }

    /// What a peer announced.
    private struct Announced: Sendable {
        var addresses: [Multiaddr]
        var expiry: Instant
    }

    private let localPeer: PeerID
    private let configuration: MulticastDiscoveryConfiguration
    private var generator: SeededGenerator
    /// The name of this run's announcements: random, so that it says nothing about the node.
    package let label: [UInt8]
    private var addresses: [Multiaddr] = []
    private var networks: [IPv4Network] = []
    private var peers: [PeerID: Announced] = [:]
    private var packets: TokenBucket
    private var reports: TokenBucket
    private var interval: Duration
    private var nextQuestion = Instant.distantFuture
    private var nextAnswer = Instant.distantFuture
    private var nextServiceAnswer = Instant.distantFuture
    private var lastAnswer: Instant?
    private var lastServiceAnswer: Instant?
    private var timer: Instant?
    private var effects: [Effect] = []

    /// - Parameter seed: decides the name and the pauses.
    public init(
        localPeer: PeerID,
        configuration: MulticastDiscoveryConfiguration = MulticastDiscoveryConfiguration(),
        seed: UInt64, now: Instant
    ) {
        self.localPeer = localPeer
        self.configuration = configuration
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
        label = (0..<32).map { _ in
            alphabet[Int.random(in: alphabet.indices, using: &generator)]
        }
        self.generator = generator
        packets = TokenBucket(configuration.packets, now: now)
        reports = TokenBucket(configuration.reports, now: now)
        interval = configuration.firstInterval
    }

    /// Takes what happened; returns what is to be done.
    public mutating func handle(_ input: Input, now: Instant) -> [Effect] {
        switch input {
        case .start:
            // Nodes that start together do not ask together.
            if nextQuestion == .distantFuture { nextQuestion = now + pause(upTo: 100) }
        case .setAddresses(let addresses): self.addresses = addresses
        case .setNetworks(let networks): self.networks = networks
        case .received(let bytes, let source): receive(bytes, from: source, now: now)
        case .timer: runTimers(now: now)
        }
        setTimer()
        defer { effects = [] }
        return effects
    }

    private mutating func pause(upTo milliseconds: Int64, from least: Int64 = 0) -> Duration {
        .milliseconds(Int64.random(in: least...milliseconds, using: &generator))
    }

    // MARK: Time

    private mutating func runTimers(now: Instant) {
        timer = nil
        if nextQuestion <= now {
            effects.append(.send(Self.question.bytes))
            nextQuestion = now + interval + pause(upTo: 100)
            interval = min(interval * 2, configuration.longestInterval)
        }
        if nextAnswer <= now {
            nextAnswer = .distantFuture
            lastAnswer = now
            if let answer { effects.append(.send(answer.bytes)) }
        }
        if nextServiceAnswer <= now {
            nextServiceAnswer = .distantFuture
            lastServiceAnswer = now
            effects.append(.send(serviceAnswer.bytes))
        }
    }

    private mutating func setTimer() {
        let next = min(nextQuestion, nextAnswer, nextServiceAnswer)
        guard next != timer, next != .distantFuture else { return }
        timer = next
        effects.append(.setTimer(next))
    }

    /// When to answer: after the short random pause of RFC 6762, section 6, and not too often.
    private mutating func answerTime(after last: Instant?, now: Instant) -> Instant {
        let earliest = now + pause(upTo: 120, from: 20)
        return last.map { max(earliest, $0 + configuration.answerInterval) } ?? earliest
    }

    // MARK: Packets of this node

    /// "Who is there?"
    package static let question = DNSMessage(
        questions: [DNSQuestion(Names.service, type: DNSRecordType.ptr)])

    private var instance: DNSName? { DNSName(labels: [label] + Names.service.labels) }
    private var host: DNSName? { DNSName(labels: [label] + Names.domain.labels) }

    /// The strings `dnsaddr=…/p2p/…` of the addresses that neighbours can use.
    private var announcements: [[UInt8]] {
        addresses.filter { isLocal($0) }
            .compactMap { try? $0.appending(localPeer) }
            .map { Array("dnsaddr=\($0)".utf8) }
            .filter { $0.count <= 255 }
            .prefix(configuration.maximumAddresses).map { $0 }
    }

    /// This node's answer; nil when no neighbour could dial it.
    ///
    /// The specification wants PTR and TXT; the records SRV and A are for resolvers that take no
    /// service without a host.
    package var answer: DNSMessage? {
        let strings = announcements
        guard !strings.isEmpty, let instance, let host else { return nil }
        let ownClass = DNSClass.internet | DNSClass.mDNSBit
        let timeToLive = configuration.timeToLive
        var additionals = [
            DNSRecord(instance, classCode: ownClass, timeToLive: timeToLive, .txt(strings))
        ]
        let endpoint = addresses.lazy.filter { isLocal($0) }.compactMap(\.tcpEndpoint).first
        if case .ip4(let address)? = endpoint?.host, let port = endpoint?.port {
            additionals += [
                DNSRecord(
                    instance, classCode: ownClass, timeToLive: timeToLive,
                    .srv(priority: 0, weight: 0, port: port, target: host)),
                DNSRecord(host, classCode: ownClass, timeToLive: timeToLive, .a(address)),
            ]
        }
        return DNSMessage(
            flags: DNSMessage.answerFlags,
            answers: [DNSRecord(Names.service, timeToLive: timeToLive, .ptr(instance))],
            additionals: additionals)
    }

    /// "There is such a service."
    package var serviceAnswer: DNSMessage {
        DNSMessage(
            flags: DNSMessage.answerFlags,
            answers: [
                DNSRecord(
                    Names.services, classCode: DNSClass.internet | DNSClass.mDNSBit,
                    timeToLive: configuration.timeToLive, .ptr(Names.service))
            ])
    }

    // MARK: Packets of others

    private mutating func receive(_ bytes: [UInt8], from source: IPv4Address, now: Instant) {
        guard networks.contains(where: { $0.contains(source) }), packets.take(now: now),
            let message = try? DNSMessage(bytes: bytes)
        else { return }
        if message.questions.isEmpty {
            learn(message, from: source, now: now)
        } else {
            answer(message, now: now)
        }
    }

    private mutating func answer(_ message: DNSMessage, now: Instant) {
        for question in message.questions
        where question.classCode & ~DNSClass.mDNSBit == DNSClass.internet {
            let isPointer = question.type == DNSRecordType.ptr
            if question.name == Names.services, isPointer {
                let time = answerTime(after: lastServiceAnswer, now: now)
                nextServiceAnswer = min(nextServiceAnswer, time)
                continue
            }
            let asksForService =
                question.name == Names.service && isPointer && !knowsOwn(message.answers)
            guard asksForService || question.name == instance || question.name == host else {
                continue
            }
            nextAnswer = min(nextAnswer, answerTime(after: lastAnswer, now: now))
        }
    }

    /// Whether who asks knows this node already, and for long enough (RFC 6762, section 7.1).
    private func knowsOwn(_ records: [DNSRecord]) -> Bool {
        records.contains { record in
            guard case .ptr(let target) = record.content else { return false }
            return record.name == Names.service && target == instance
                && record.timeToLive >= configuration.timeToLive / 2
        }
    }

    /// Reads who is announced: the service's PTR names the TXT records that count.
    private mutating func learn(_ message: DNSMessage, from source: IPv4Address, now: Instant) {
        var targets: Set<DNSName> = []
        for record in message.answers where record.name == Names.service {
            if case .ptr(let target) = record.content { targets.insert(target) }
        }
        guard !targets.isEmpty else { return }
        var found: [(peer: PeerID, addresses: [Multiaddr], timeToLive: UInt32)] = []
        for record in message.answers + message.additionals where targets.contains(record.name) {
            guard case .txt(let strings) = record.content else { continue }
            for string in strings {
                guard let address = Self.announced(string), let peer = address.peerID,
                    peer != localPeer, let bare = address.removingPeerID(),
                    isBelievable(bare, from: source)
                else { continue }
                if let index = found.firstIndex(where: { $0.peer == peer }) {
                    guard found[index].addresses.count < configuration.maximumAddresses,
                        !found[index].addresses.contains(bare)
                    else { continue }
                    found[index].addresses.append(bare)
                } else if found.count < configuration.maximumPeers {
                    found.append((peer, [bare], record.timeToLive))
                }
            }
        }
        for (peer, addresses, timeToLive) in found {
            take(peer, addresses, timeToLive: timeToLive, now: now)
        }
    }

    /// The address in a string of the form `dnsaddr=…`; py-libp2p numbers further ones.
    private static func announced(_ string: [UInt8]) -> Multiaddr? {
        let key = Array("dnsaddr".utf8)
        guard string.starts(with: key), let equals = string.firstIndex(of: UInt8(ascii: "=")),
            string[key.count..<equals].allSatisfy({ (0x30...0x39).contains($0) }),
            let text = String(validating: string[(equals + 1)...], as: UTF8.self)
        else { return nil }
        return try? Multiaddr(text)
    }

    /// Reports a peer that is new, or whose addresses are.
    private mutating func take(
        _ peer: PeerID, _ addresses: [Multiaddr], timeToLive: UInt32, now: Instant
    ) {
        guard timeToLive > 0 else {
            peers[peer] = nil
            return
        }
        let expiry = now + .seconds(Int64(min(timeToLive, 86_400)))
        if let known = peers[peer], known.expiry > now, known.addresses == addresses {
            peers[peer]?.expiry = expiry
            return
        }
        if peers[peer] == nil, peers.count >= configuration.maximumPeers {
            for peer in peers.keys.sorted() where peers[peer].map({ $0.expiry <= now }) == true {
                peers[peer] = nil
            }
            guard peers.count < configuration.maximumPeers else { return }
        }
        guard reports.take(now: now) else { return }
        peers[peer] = Announced(addresses: addresses, expiry: expiry)
        effects.append(.found(peer, addresses))
    }

    /// Whether an address leads no farther than the own networks. Of IPv6 only unique local
    /// addresses do.
    private func isLocal(_ address: Multiaddr) -> Bool {
        switch address.tcpEndpoint?.host {
        case .ip4(let host): networks.contains { $0.contains(host) }
        case .ip6(let host, _): host.scope == .site
        case .dns, .dns4, .dns6, nil: false
        }
    }

    private func isBelievable(_ address: Multiaddr, from source: IPv4Address) -> Bool {
        if case .ip4(source)? = address.tcpEndpoint?.host { return true }
        return isLocal(address)
    }
}
