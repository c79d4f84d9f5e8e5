internal import LibP2P
internal import Primitives

/// What every security protocol has to do.
public enum SecurityCheck: String, Sendable, CaseIterable {
    case roundTrip = "both sides learn who the other one is, and messages pass both ways"
    case longMessages = "messages of any length pass"
    case unexpectedPeer = "a peer that is not the expected one is refused"
    case splits = "bytes mean the same, wherever they are split"
    case alterations = "an altered byte is noticed, wherever it is"
    case truncations = "an early end is noticed, wherever it is"
    case records = "records that are repeated, swapped or sent back are refused, for good"
    case secrecy = "plaintext is not seen on the wire, and equal messages do not look equal"
    case garbage = "bytes of a stranger establish nothing"
}

/// Holds a security protocol against what libp2p's connections rely on (libp2p noise specification;
/// connection establishment specification). Pure: the same seed repeats everything.
public struct SecurityConformance<Implementation: SecurityImplementation>: Sendable {
    let implementation: Implementation
    let alice: NodeIdentity
    let bob: NodeIdentity
    let carol: NodeIdentity

    /// Checks of an implementation.
    public init(_ implementation: Implementation) {
        self.implementation = implementation
        func identity(_ byte: UInt8) -> NodeIdentity {
            guard let identity = NodeIdentity(seed: [UInt8](repeating: byte, count: 32)) else {
                preconditionFailure("32 bytes are a seed")
            }
            return identity
        }
        (alice, bob, carol) = (identity(0xA1), identity(0xB0), identity(0xCA))
    }

    /// Makes all checks; throws the first failure.
    public func run(seed: UInt64) throws(ConformanceFailure) {
        for check in SecurityCheck.allCases { try run(check, seed: seed) }
    }

    /// Makes one check. Those at every offset make a connection for every byte of the handshake.
    public func run(_ check: SecurityCheck, seed: UInt64) throws(ConformanceFailure) {
        do throws(Finding) {
            var generator = SeededGenerator(seed: seed)
            switch check {
            case .roundTrip: try checkRoundTrip(using: &generator)
            case .longMessages: try checkLongMessages(using: &generator)
            case .unexpectedPeer: try checkUnexpectedPeer(using: &generator)
            case .splits: try checkSplits(using: &generator)
            case .alterations: try checkAlterations(using: &generator)
            case .truncations: try checkTruncations(using: &generator)
            case .records: try checkRecords(using: &generator)
            case .secrecy: try checkSecrecy(using: &generator)
            case .garbage: try checkGarbage(using: &generator)
            }
        } catch {
            throw ConformanceFailure(
                implementation: implementation.name, check: check.rawValue,
                detail: error.description, seed: seed)
        }
    }

    // MARK: Connections

    typealias Pair = SecurityPair<Implementation.Endpoint>

    /// The two messages of a conversation.
    static var question: [UInt8] { Array("a question of thirty-two bytes: ?".utf8) }
    static var answer: [UInt8] { Array("an answer".utf8) }

    /// Two fresh endpoints: Alice dials Bob.
    func makePair(
        dialerExpects: PeerID? = nil, listenerExpects: PeerID? = nil,
        using generator: inout SeededGenerator
    ) -> Pair {
        let dialer = implementation.makeEndpoint(
            role: .dialer, identity: alice, expectedPeer: dialerExpects, using: &generator)
        let listener = implementation.makeEndpoint(
            role: .listener, identity: bob, expectedPeer: listenerExpects, using: &generator)
        return Pair(dialer: dialer, listener: listener)
    }

    /// Two endpoints whose handshake is over.
    func establishedPair(using generator: inout SeededGenerator) throws(Finding) -> Pair {
        var pair = makePair(
            dialerExpects: bob.peerID, listenerExpects: alice.peerID, using: &generator)
        try pair.settleInOrder()
        try require(
            pair.dialer.endpoint.remotePeer == bob.peerID,
            "the dialer takes its peer for \(name(of: pair.dialer.endpoint.remotePeer))")
        try require(
            pair.listener.endpoint.remotePeer == alice.peerID,
            "the listener takes its peer for \(name(of: pair.listener.endpoint.remotePeer))")
        return pair
    }

    /// A whole conversation with interference, from the same randomness every time: the handshake,
    /// then the question and the answer, as far as it gets.
    func converse(
        _ toListener: Interference, _ toDialer: Interference, generator: SeededGenerator
    ) throws(Finding) -> (pair: Pair, handshakeByteCounts: (toListener: Int, toDialer: Int)) {
        var generator = generator
        var pair = makePair(dialerExpects: bob.peerID, using: &generator)
        pair.toListener.interference = toListener
        pair.toDialer.interference = toDialer
        try pair.settle()
        let counts = (pair.toListener.carried.count, pair.toDialer.carried.count)
        if pair.dialer.error == nil, pair.dialer.endpoint.remotePeer != nil {
            try attempt("sending") { try pair.dialer.endpoint.send(Self.question) }
            try pair.settle()
        }
        if pair.listener.error == nil, pair.listener.endpoint.remotePeer != nil {
            try attempt("sending") { try pair.listener.endpoint.send(Self.answer) }
            try pair.settle()
        }
        return (pair, counts)
    }

    func name(of peer: PeerID?) -> String { peer.map { "\($0)" } ?? "nobody" }
}
