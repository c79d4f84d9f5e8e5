internal import Chain
internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// Sends as much as it can of what costs others time and memory: noise, unknown kinds, large
/// messages, votes for blocks that are not there, statuses without end.
struct Spammer: Attacker {
    static let name = "spammer"

    mutating func act(with arms: inout AttackerArms) -> [AttackerMessage] {
        let peers = arms.somePeers()
        guard arms.random.chance(permille: 400) else { return [] }
        switch arms.random.draw(0...5) {
        case 0:
            // A later version's kind: ignored, however large.
            let count = arms.random.draw(1...4_000)
            return (0..<8).map { _ in
                arms.raw([200] + [UInt8](repeating: 7, count: count), to: peers)
            }
        case 1:
            let noise = (0..<arms.random.draw(0...300)).map { _ in
                UInt8(truncatingIfNeeded: arms.random.next())
            }
            return arms.random.chance(permille: 50) ? [arms.raw(noise, to: peers)] : []
        case 2: return unknownBlocks(peers, &arms)
        case 3:
            let block = Hash256.zero
            return (0..<40).map { _ in arms.message(.voteRequest(blockHash: block), to: peers) }
        case 4:
            return (0..<20).map { number in
                let noise = [UInt8](repeating: UInt8(number), count: 64)
                return arms.raw(noise, on: .transactions, to: Array(peers.prefix(1)))
            }
        default:
            guard let vote = arms.storedVote() else { return [] }
            return (0..<30).map { _ in arms.message(.vote(vote), to: peers) }
        }
    }

    /// Valid votes for blocks that nobody has: each is verified, parked and asked for.
    private func unknownBlocks(
        _ peers: [PeerHandle], _ arms: inout AttackerArms
    ) -> [AttackerMessage] {
        var messages: [AttackerMessage] = []
        let height = arms.tree.finalised.number.rawValue + UInt32(arms.random.draw(1...9))
        for turn in 0..<6 {
            let hash = BLAKE2b256.hash([UInt8(turn)] + arms.random.next().scaleBytes)
            let round = RoundNumber(arms.view.round.rawValue + UInt64(arms.random.draw(0...1)))
            guard let target = VoteTarget(hash: hash, number: BlockNumber(height)),
                let vote = arms.vote(.precommit, in: round, for: target)
            else { continue }
            messages.append(arms.message(.vote(vote), to: peers))
        }
        return messages
    }

    // Its votes for nothing are second contents of slots that its core fills too.
    static let equivocates = true
}
