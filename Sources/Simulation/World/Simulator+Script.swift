internal import Coherence
internal import Primitives
internal import Validator
internal import VoteGossip

// Directed schedules, and what an adversary keeps from arriving.
extension Simulator {
    mutating func perform(_ action: ScriptedStep.Action) {
        guard phase == .faults else { return }
        note(.fault("\(action)"))
        switch action {
        case .block(let one, let other):
            let link = links.index(one, other)
            block(link, links[link].end(of: one))
        case .unblock(let one, let other):
            let link = links.index(one, other)
            unblock(link, links[link].end(of: one))
        case .split(let some, let others):
            for one in some {
                for other in others {
                    block(links.index(one, other), 0)
                    block(links.index(one, other), 1)
                }
            }
        case .heal:
            dropRules = []
            for link in 0..<links.count {
                for end in 0...1 {
                    while links[link].lines[end].isBlocked { unblock(link, end) }
                }
            }
        case .crash(let node): crash(node, leaving: .nothing)
        case .restart(let node): restart(node, after: .zero)
        case .starve(let node): starvedOfBlocks = node
        case .sourceFails(let node): setSource(of: node, isDown: true)
        case .sourceRecovers(let node): setSource(of: node, isDown: false)
        case .rotate(let node): request(.rotation(of: node, to: newKey(for: node)))
        case .drop(let rules): dropRules = rules
        }
    }

    private mutating func setSource(of node: Int, isDown: Bool) {
        nodes[node].isSourceDown = isDown
        if nodes[node].isUp { giveMeasurement(to: node) }
    }

    /// Whether a notification is lost although its stream is open.
    mutating func isLost(
        _ bytes: [UInt8], _ channel: Channel, from sender: Int, to node: Int
    ) -> Bool {
        if networkRandom.chance(permille: network.lossPermille) { return true }
        switch channel {
        case .blocks: return starvedOfBlocks == node
        case .transactions: return false
        case .votes: break
        }
        guard
            network.hostilityPermille > 0 || network.strategyPermille > 0 || !dropRules.isEmpty,
            GossipMessage.carriesVotes(bytes),
            let (content, round) = contents.value(for: bytes, Self.content)
        else { return false }
        let isRuledOut = dropRules.contains { rule in
            (rule.from ?? sender) == sender && (rule.to ?? node) == node
                && (rule.content ?? content) == content
                && rule.rounds?.contains(round.rawValue) ?? true
        }
        return isRuledOut || isKept(content, round, from: sender, to: node)
            || isKeptByStrategy(content, round, of: sender, from: node)
    }

    /// Whether the strategist keeps this content of this round from a node.
    private mutating func isKeptByStrategy(
        _ content: DropRule.Content, _ round: RoundNumber, of sender: Int, from node: Int
    ) -> Bool {
        guard
            let strategy = Strategy(
                for: round, seed: strategySeed, permille: network.strategyPermille,
                in: newestSet)
        else { return false }
        if let length = strategy.length {
            let heardAt = roundsHeard[round] ?? now
            roundsHeard[round] = heardAt
            guard now < heardAt + length else { return false }
        }
        return strategy.keeps(
            content, of: strategicPlace(of: sender), from: strategicPlace(of: node))
    }

    /// A node's position in the newest set; -1 of one that is no member.
    private func strategicPlace(of node: Int) -> Int {
        nodes[node].index(in: newestSet).map { Int($0.rawValue) } ?? -1
    }

    /// Whether the adversary's plan keeps this content of this round from this peer.
    private func isKept(
        _ content: DropRule.Content, _ round: RoundNumber, from sender: Int, to node: Int
    ) -> Bool {
        guard network.hostilityPermille > 0 else { return false }
        let mixed =
            hostilitySeed &+ round.rawValue &* 0x9E37_79B9 &+ UInt64(sender) &* 0x85EB_CA6B
            &+ UInt64(node) &* 0xC2B2_AE35 &+ content.number &* 0x27D4_EB2F
        var plan = SeededGenerator(seed: mixed)
        return plan.chance(permille: network.hostilityPermille)
    }

    private static func content(of bytes: [UInt8]) -> (DropRule.Content, RoundNumber)? {
        guard let message = try? GossipMessage.decode(bytes) else { return nil }
        return switch message {
        case .vote(let vote): (vote.phase == .prevote ? .prevotes : .precommits, vote.round)
        case .voteBundle(let bundle):
            (bundle.phase == .prevote ? .prevotes : .precommits, bundle.round)
        case .quorumCertificate(let quorum): (.quorumCertificates, quorum.round)
        case .certificate(let certificate): (.certificates, certificate.round)
        case .voteRequest, .status, .roundRequest, .certificateRequest, .equivocation: nil
        }
    }
}

extension DropRule.Content {
    fileprivate var number: UInt64 {
        switch self {
        case .prevotes: 1
        case .precommits: 2
        case .quorumCertificates: 3
        case .certificates: 4
        }
    }
}
