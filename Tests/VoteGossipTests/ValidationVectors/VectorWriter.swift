import Chain
import Coherence
import Primitives
import SCALE
import TestSupport
import VoteGossip

/// Collects the cases, each played by a node while it is written.
struct VectorWriter {
    let chain: DevelopmentChain
    private(set) var cases: [ValidationVectors.Case] = []
    private var names: [[UInt8]: String] = [:]
    private var messages: [String: [UInt8]] = [:]
    /// Where an outcome was not the one that the case is about.
    private(set) var surprises: [String] = []

    init(_ chain: DevelopmentChain) { self.chain = chain }

    /// The file.
    func document() -> ValidationVectors {
        func validator(_ index: Int, key: [UInt8]) -> ValidationVectors.Validator {
            .init(
                uri: DevelopmentChain.names[index], account: chain.accounts[index].bytes.hex,
                falcon_public_key: key.hex)
        }
        let last = DevelopmentChain.names.count - 1
        return ValidationVectors(
            about:
                "See README.md. Signatures are Falcon-1024 by the development keys of docs/protocol.md.",
            genesis_hash: chain.domain.genesisHash.bytes.hex, set_hash: chain.set.hash.bytes.hex,
            validator_set: chain.set.scaleBytes.hex,
            validators: chain.set.validators.enumerated().map {
                validator($0, key: $1.falconPublicKey)
            },
            outsider: validator(last, key: chain.publicKey(last)),
            blocks: chain.blocks.mapValues {
                .init(
                    hash: $0.header.hash.bytes.hex, number: $0.header.number.rawValue,
                    parent: $0.header.parentHash.bytes.hex)
            },
            messages: messages.mapValues(\.hex), cases: cases)
    }

    /// Writes a case: `play` takes the steps, the last of which must come to `outcomes`.
    mutating func add(
        _ name: String, row: String, set: SetID? = nil, _ outcomes: [String: Int],
        _ play: (inout Play) throws -> Void
    ) throws {
        let set = set ?? chain.set.id
        var player = Play(
            node: try VectorNode(chain, set: set), chain: chain, names: names, messages: messages)
        try play(&player)
        (names, messages) = (player.names, player.messages)
        guard let last = player.steps.last else { throw TestFailure("\(name) has no steps") }
        if last.outcomes != outcomes {
            surprises.append("\(name): \(last.outcomes), not \(outcomes)")
        }
        cases.append(
            .init(
                name: name, row: row, set_id: set.rawValue, state: player.stateBeforeLast,
                steps: player.steps))
    }

    /// The steps of one case.
    struct Play {
        var node: VectorNode
        let chain: DevelopmentChain
        fileprivate(set) var names: [[UInt8]: String]
        fileprivate(set) var messages: [String: [UInt8]]
        private(set) var steps: [ValidationVectors.Step] = []
        private(set) var stateBeforeLast: ValidationVectors.State

        fileprivate init(
            node: VectorNode, chain: DevelopmentChain, names: [[UInt8]: String],
            messages: [String: [UInt8]]
        ) {
            self.node = node
            self.chain = chain
            self.names = names
            self.messages = messages
            stateBeforeLast = node.state
        }

        /// The name under which bytes stand in the file: what they are, and a number.
        private mutating func name(of bytes: [UInt8], _ hint: String) -> String {
            if let known = names[bytes] { return known }
            var (name, number) = (hint, 1)
            while messages[name] != nil {
                number += 1
                name = "\(hint) \(number)"
            }
            names[bytes] = name
            messages[name] = bytes
            return name
        }

        private mutating func take(
            _ action: ValidationVectors.Step.Action, peer: UInt64? = nil, bytes: [UInt8]? = nil,
            hint: String = "", times: Int? = nil, block: String? = nil, milliseconds: Int64? = nil
        ) throws {
            stateBeforeLast = node.state
            let step = ValidationVectors.Step(
                action: action, peer: peer, message: bytes.map { name(of: $0, hint) },
                times: times, block: block, milliseconds: milliseconds, outcomes: [:], effects: [])
            steps.append(try node.take(step, message: bytes))
        }

        mutating func open(_ peers: UInt64..., set: SetID? = nil) throws {
            let genesis = chain.toy.genesis.ref
            let handshake = GossipHandshake(
                role: .authority, genesisHash: genesis.hash, setID: set ?? chain.set.id,
                round: RoundNumber(0), finalisedNumber: genesis.number, finalisedHash: genesis.hash)
            for peer in peers {
                try take(.open, peer: peer, bytes: handshake.scaleBytes, hint: "handshake")
            }
        }

        mutating func open(_ peer: UInt64, handshake: [UInt8]) throws {
            try take(.open, peer: peer, bytes: handshake, hint: "bad handshake")
        }

        mutating func close(_ peer: UInt64) throws { try take(.close, peer: peer) }

        mutating func block(_ names: String...) throws {
            for name in names { try take(.block, block: name) }
        }

        mutating func receive(
            _ message: GossipMessage, from peer: UInt64 = 1, times: Int? = nil
        ) throws {
            try take(
                .receive, peer: peer, bytes: message.scaleBytes, hint: message.kind.name,
                times: times)
        }

        mutating func receive(_ bytes: [UInt8], as hint: String, from peer: UInt64 = 1) throws {
            try take(.receive, peer: peer, bytes: bytes, hint: hint)
        }

        mutating func hold() throws { try take(.hold) }
        mutating func release() throws { try take(.release) }
        mutating func wait(milliseconds: Int64) throws {
            try take(.wait, milliseconds: milliseconds)
        }

        // MARK: Usual beginnings

        /// Blocks A, B and C are known; peers 1 and 2 are there.
        mutating func begin() throws {
            try block("A", "B", "C")
            try open(1, 2)
        }

        /// Round 3, C final, D known: by certificates of rounds 0, 1 and 2.
        mutating func beginInRoundThree() throws {
            try begin()
            for (round, name) in ["A", "B", "C"].enumerated() {
                try receive(
                    .certificate(
                        try chain.certificate(
                            [0, 1, 2], round: UInt64(round), for: try chain.ref(name))), from: 2)
            }
            try block("D")
        }
    }
}
