package import Chain
import Coherence
import LibP2P
import Logging
package import Networking
package import Primitives
import SCALE
import VoteGossip

/// A peer with a libp2p stack and a handshake in good order, which sends votes that nobody should
/// count.
package final class EvilPeer {
    /// What is wrong with a vote.
    package enum Flaw: CaseIterable {
        /// Everything is right but the signature.
        case badSignature
        /// The voter is in no set.
        case unknownValidator
        /// A block that nobody has.
        case wrongHash
        /// The right block with another height.
        case wrongNumber
        /// Bytes that are no message.
        case garbage
    }

    /// What the votes are about.
    package struct Aim {
        package let genesisHash: Hash256
        package let validators: [AccountID]
        package let block: BlockRef
        package let round: RoundNumber
    }

    package let swarm: Swarm
    private let votes: NotificationService
    private var random: SeededGenerator

    /// Listens nowhere and connects to nobody yet.
    package init(seed: UInt64, aim: Aim) throws {
        random = SeededGenerator(seed: seed)
        var secret: [UInt8] = []
        for _ in 0..<32 { secret.append(UInt8.random(in: 0...255, using: &random)) }
        guard let identity = NodeIdentity(seed: secret) else {
            throw TestFailure("32 bytes are a key")
        }
        var logger = Logger(label: "evil")
        logger.logLevel = .critical
        swarm = Swarm(configuration: NetworkConfiguration(identity: identity), logger: logger)
        let handshake = GossipHandshake(
            role: .authority, genesisHash: aim.genesisHash, setID: SetID(0), round: aim.round,
            finalisedNumber: aim.block.number, finalisedHash: aim.block.hash)
        votes = swarm.register(
            NotificationRegistration(
                name: "/quantumharmony/coherence/1", handshake: handshake.scaleBytes,
                makeQueue: {
                    FIFOOutboundQueue(maximumCount: 4_096, maximumByteCount: 16 * 1_024 * 1_024)
                }))
    }

    /// Connects, sends that many votes as fast as the peer takes them, and returns how long the
    /// peer put up with it.
    package func attack(
        _ address: String, count: Int, flaws: [Flaw], aim: Aim
    ) async throws -> Duration {
        try await swarm.start()
        let clock = ContinuousClock()
        let begin = clock.now
        let peer = try await swarm.connect(to: Multiaddr(address))
        let messages = (0..<count).map { message(flaws[$0 % flaws.count], aim) }
        let votes = votes
        let sending = Task {
            while let event = await votes.nextNotification() {
                guard case .streamOpened = event else { continue }
                for bytes in messages {
                    votes.sendSyncNotification(to: [peer], OutboundMessage(bytes: bytes))
                }
            }
        }
        defer { sending.cancel() }
        while let event = await swarm.nextEvent() {
            if case .disconnected(peer, _) = event { return clock.now - begin }
        }
        throw TestFailure("the swarm ended")
    }

    /// Whether the peer lets us in again.
    package func isWelcome(at address: String) async throws -> Bool {
        let peer = try await swarm.connect(to: Multiaddr(address))
        while let event = await swarm.nextEvent() {
            switch event {
            case .disconnected(peer, _): return false
            case .identified(peer, _): return true
            default: continue
            }
        }
        return false
    }

    private func message(_ flaw: Flaw, _ aim: Aim) -> [UInt8] {
        guard flaw != .garbage else { return bytes(200) }
        guard let stranger = AccountID(bytes(32)), let nowhere = Hash256(bytes(32)),
            let signature = VoteSignature(
                [SignatureFormat.firstByte] + bytes(SignatureFormat.byteCount - 1)),
            let member = aim.validators.randomElement(using: &random)
        else { preconditionFailure("the byte counts are right") }
        let block = aim.block
        let target =
            switch flaw {
            case .wrongHash: BlockRef(hash: nowhere, number: block.number)
            case .wrongNumber:
                BlockRef(hash: block.hash, number: BlockNumber(block.number.rawValue + 7))
            case .badSignature, .unknownValidator, .garbage: block
            }
        let vote = CoherenceVote(
            validator: flaw == .unknownValidator ? stranger : member, target: VoteTarget(target),
            coherenceScore: 95,
            quantumState: QuantumState(
                validProofs: 5, rejectedProofs: 0, averageQBER: 50, entropyPoolHash: .zero,
                reporterCount: 1, minimumQBER: 50, maximumQBER: 50),
            signature: signature, phase: Bool.random(using: &random) ? .prevote : .precommit,
            round: aim.round, setID: SetID(0))
        return GossipMessage.vote(vote).scaleBytes
    }

    private func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
}
