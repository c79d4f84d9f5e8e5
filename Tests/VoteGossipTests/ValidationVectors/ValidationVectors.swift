import Chain
import Coherence
import Foundation
import Primitives
import SCALE
import TestSupport
import VoteGossip

/// `Vectors/coherence/validation.json`: what becomes of messages that arrive, for other
/// implementations to be run against. Its README says what the fields mean.
struct ValidationVectors: Codable, Equatable {
    struct Validator: Codable, Equatable {
        var uri: String
        var account: String
        var falcon_public_key: String
    }

    struct Block: Codable, Equatable {
        var hash: String
        var number: UInt32
        var parent: String
    }

    /// Where a node stands before the last step.
    struct State: Codable, Equatable {
        struct Votes: Codable, Equatable {
            var round: UInt64
            var vote_type: UInt8
            /// The validators, as Bits.
            var held: String
        }

        var set_id: UInt64
        var round: UInt64
        var finalised: String
        var certificate_round: UInt64?
        var highest_qc_round: UInt64?
        var known_blocks: [String]
        var votes: [Votes]
        var parked: Int
        var verifying: Int
    }

    struct Step: Codable, Equatable {
        enum Action: String, Codable {
            case open, close, block, receive, hold, release, wait
        }

        var action: Action
        var peer: UInt64?
        /// A message by its name, or for `open` the handshake.
        var message: String?
        /// How often it is sent; once unless said otherwise.
        var times: Int?
        var block: String?
        var milliseconds: Int64?
        /// What became of it: outcomes and how many of each.
        var outcomes: [String: Int]
        var effects: [String]
    }

    struct Case: Codable, Equatable {
        var name: String
        /// The step of docs/protocol.md that decides, or the kind of message.
        var row: String
        /// The set that the node is in.
        var set_id: UInt64
        var state: State
        var steps: [Step]
    }

    var about: String
    var genesis_hash: String
    var set_hash: String
    var validator_set: String
    var validators: [Validator]
    var outsider: Validator
    var blocks: [String: Block]
    var messages: [String: String]
    var cases: [Case]

    static var file: URL {
        Repository.root.appending(path: "Vectors/coherence/validation.json")
    }

    static func published() throws -> ValidationVectors {
        try JSONDecoder().decode(ValidationVectors.self, from: Data(contentsOf: file))
    }

    func write() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try (try encoder.encode(self) + Data("\n".utf8)).write(to: Self.file)
    }
}

/// A node that takes the steps of a case: an observer with the real machines.
struct VectorNode {
    private let chain: DevelopmentChain
    private(set) var host: Host

    init(_ chain: DevelopmentChain, set: SetID) throws {
        self.chain = chain
        var host = try Host(chain.toy, verifier: try FalconSignatures(chain.set))
        if set != chain.set.id {
            let domain = VotingDomain(
                genesisHash: chain.domain.genesisHash,
                set: try ValidatorSet(
                    id: set, validators: chain.set.validators, policy: chain.set.policy))
            host.gadget = try CoherenceGadget(
                configuration: .init(), domain: domain, local: nil,
                recovered: RecoveredVoting(finalised: chain.toy.genesis.ref),
                verifier: host.verifier)
            host.gossip = VoteGossipMachine(configuration: .init(), domain: domain)
        }
        self.host = host
    }

    var state: ValidationVectors.State {
        let view = host.view
        let rounds = [view.round.rawValue &- 1, view.round.rawValue, view.round.rawValue + 1]
        var votes: [ValidationVectors.State.Votes] = []
        for round in rounds where round < RoundNumber.limit {
            for phase in VotePhase.allCases {
                guard let held = view.held(RoundNumber(round), phase),
                    held.contains(where: { $0 != 0 })
                else { continue }
                votes.append(.init(round: round, vote_type: phase.rawValue, held: held.hex))
            }
        }
        let known = chain.blocks.keys.sorted().filter { name in
            chain.blocks[name].map { host.tree.contains($0.header.hash) } ?? false
        }
        return ValidationVectors.State(
            set_id: view.domain.set.id.rawValue, round: view.round.rawValue,
            finalised: name(of: view.finalised.hash),
            certificate_round: view.certificate?.round.rawValue,
            highest_qc_round: view.highestQuorum?.round.rawValue, known_blocks: known,
            votes: votes, parked: host.gossip.gauges.parkedCount,
            verifying: host.gossip.gauges.verifyingCount)
    }

    private func name(of hash: Hash256) -> String {
        if hash == chain.toy.genesis.hash { return "genesis" }
        let found = chain.blocks.keys.sorted().first { chain.blocks[$0]?.header.hash == hash }
        return found ?? hash.bytes.hex
    }

    /// Takes a step and fills in what came of it.
    mutating func take(
        _ step: ValidationVectors.Step, message: [UInt8]?
    ) throws -> ValidationVectors.Step {
        var result = step
        let before = host.gossip.counters
        var effects: [GossipEffect] = []
        switch step.action {
        case .open:
            effects = host.handle(
                .streamOpened(
                    Host.peer(step.peer ?? 0), handshake: message ?? [], PeerHints()))
        case .close: effects = host.handle(.streamClosed(Host.peer(step.peer ?? 0)))
        case .block:
            guard let block = step.block.flatMap({ chain.blocks[$0] }) else {
                throw TestFailure("no block \(step.block ?? "")")
            }
            effects = try host.add(block)
        case .receive:
            for _ in 0..<(step.times ?? 1) {
                effects += host.receive(message ?? [], from: step.peer ?? 0)
            }
        case .hold: host.holdsVerification = true
        case .release:
            host.holdsVerification = false
            effects = host.verifyHeld()
        case .wait: effects = host.advance(.milliseconds(step.milliseconds ?? 0))
        }
        result.outcomes = [:]
        for verdict in host.gossip.counters.verdicts(since: before) {
            result.outcomes[Self.text(verdict), default: 0] += 1
        }
        // What is sent while a stream opens or time passes is no matter of validation.
        result.effects =
            step.action == .open || step.action == .wait
            ? effects.compactMap { closing($0) } : effects.compactMap { describe($0) }
        return result
    }

    static func text(_ verdict: GossipVerdict) -> String {
        switch verdict {
        case .accept: "accept"
        case .ignore(let reason): "ignore \(reason.rawValue)"
        case .reject(let offence): "reject \(offence.rawValue)"
        }
    }

    private func closing(_ effect: GossipEffect) -> String? {
        switch effect {
        case .punish, .ban, .disconnect: describe(effect)
        default: nil
        }
    }

    /// An effect in words; nil for timers, notes and statuses.
    private func describe(_ effect: GossipEffect) -> String? {
        switch effect {
        case .send(let peers, let message):
            guard let decoded = try? GossipMessage.decode(message.bytes), decoded.kind != .status
            else { return nil }
            let numbers = peers.map { "\($0.rawValue)" }.joined(separator: ", ")
            return "send \(decoded.kind.name) to \(numbers)"
        case .verify(let jobs):
            return "verify \(jobs.reduce(0) { $0 + $1.signatureCount })"
        case .deliver(let vote):
            return "count validator \(vote.index) round \(vote.round) "
                + "\(vote.slot.phase == .prevote ? "prevote" : "precommit") for "
                + (vote.target.block.map { name(of: $0.hash) } ?? "nil")
        case .deliverQuorumCertificate(let quorum):
            return "use quorum_certificate round \(quorum.round)"
        case .deliverCertificate(let certificate):
            return "use certificate round \(certificate.round)"
        case .deliverEvidence(let evidence):
            return "keep evidence against validator \(evidence.slot.validator) "
                + "round \(evidence.slot.round)"
        case .wantBlock(let block, let peers):
            let numbers = peers.map { "\($0.rawValue)" }.joined(separator: ", ")
            return "fetch block \(name(of: block.hash)) from \(numbers)"
        case .loadCertificate(_, .handOff(let set)): return "load hand-off certificate of \(set)"
        case .loadCertificate(_, .lowest(let number)): return "load certificate at \(number)"
        case .punish(let peer, let offence):
            return "penalise \(peer.rawValue) \(offence.rawValue)"
        case .ban(let peer, let duration):
            return "ban \(peer.rawValue) for \(duration.components.seconds) s"
        case .disconnect(let peer, let reason):
            return "disconnect \(peer.rawValue) \(reason.rawValue)"
        case .publish, .judged, .setTimer, .handshakeChanged, .note: return nil
        }
    }
}
