import Chain
import Coherence
import Primitives
import SCALE
import VoteGossip

/// What a transcript says to a host and asks of its answers.
extension Host {
    static func peer(_ number: UInt64) -> PeerHandle { PeerHandle(number) }

    /// A peer's stream opens.
    mutating func open(
        _ peer: UInt64, round: UInt64 = 0, finalised: BlockRef? = nil, set: SetID? = nil,
        isReserved: Bool = false, genesis: Hash256? = nil
    ) -> [GossipEffect] {
        let finalised = finalised ?? chain.genesis.ref
        let handshake = GossipHandshake(
            role: .authority, genesisHash: genesis ?? chain.genesis.hash,
            setID: set ?? chain.set.id, round: RoundNumber(round),
            finalisedNumber: finalised.number, finalisedHash: finalised.hash)
        return handle(
            .streamOpened(
                Self.peer(peer), handshake: handshake.scaleBytes,
                PeerHints(isReserved: isReserved)))
    }

    mutating func receive(_ message: GossipMessage, from peer: UInt64) -> [GossipEffect] {
        receive(message.scaleBytes, from: peer)
    }

    mutating func receive(_ bytes: [UInt8], from peer: UInt64) -> [GossipEffect] {
        handle(.notification(Self.peer(peer), bytes))
    }

    /// The verdicts that a message met with at once, or when its verification is done.
    mutating func verdicts(on bytes: [UInt8], from peer: UInt64) -> [GossipVerdict] {
        let before = gossip.counters
        _ = receive(bytes, from: peer)
        return gossip.counters.verdicts(since: before)
    }

    mutating func verdicts(on message: GossipMessage, from peer: UInt64) -> [GossipVerdict] {
        verdicts(on: message.scaleBytes, from: peer)
    }

    /// A status of a peer of this set.
    func status(
        round: UInt64 = 0, finalised: BlockRef? = nil, lock: UInt64? = nil, quorum: UInt64? = nil,
        have: [(UInt64, VotePhase, [Int])] = [], set: SetID? = nil
    ) -> GossipMessage {
        let finalised = finalised ?? chain.genesis.ref
        return .status(
            GossipStatus(
                setID: set ?? chain.set.id, round: RoundNumber(round),
                finalisedNumber: finalised.number, finalisedHash: finalised.hash,
                lockRound: lock.map { RoundNumber($0) },
                highestQuorumRound: quorum.map { RoundNumber($0) },
                have: have.map { round, phase, members in
                    GossipStatus.Holding(
                        round: RoundNumber(round), phase: phase,
                        validators: Bits(
                            validatorCount: chain.set.count,
                            members: members.map { ValidatorIndex(UInt16($0)) }))
                }))
    }
}

extension GossipCounters {
    /// The verdicts counted since, in the table's order.
    func verdicts(since before: GossipCounters) -> [GossipVerdict] {
        var verdicts: [GossipVerdict] = []
        func add(_ verdict: GossipVerdict, _ count: UInt64) {
            verdicts += Array(repeating: verdict, count: Int(count))
        }
        add(.accept, accepted - before.accepted)
        for reason in IgnoreReason.allCases {
            add(.ignore(reason), ignored(reason) - before.ignored(reason))
        }
        for offence in Offence.allCases {
            add(.reject(offence), rejected(offence) - before.rejected(offence))
        }
        return verdicts
    }
}

extension [GossipEffect] {
    /// What was sent, as messages.
    var sent: [(to: [UInt64], message: GossipMessage)] {
        compactMap { effect in
            guard case .send(let peers, let message) = effect,
                let decoded = try? GossipMessage.decode(message.bytes)
            else { return nil }
            return (peers.map(\.rawValue), decoded)
        }
    }

    /// What was sent of one kind.
    func sent(_ kind: GossipMessageKind) -> [(to: [UInt64], message: GossipMessage)] {
        sent.filter { $0.message.kind == kind }
    }

    /// What was sent to one peer.
    func sent(to peer: UInt64) -> [GossipMessage] {
        sent.filter { $0.to.contains(peer) }.map(\.message)
    }

    var jobs: [VerificationJob] {
        flatMap { effect in
            if case .verify(let jobs) = effect { jobs } else { [VerificationJob]() }
        }
    }

    var delivered: [VerifiedVote] {
        compactMap { effect in
            if case .deliver(let vote) = effect { vote } else { nil }
        }
    }

    var punished: [(peer: UInt64, offence: Offence)] {
        compactMap { effect in
            if case .punish(let peer, let offence) = effect {
                (peer.rawValue, offence)
            } else {
                nil
            }
        }
    }

    var bans: [(peer: UInt64, duration: Duration)] {
        compactMap { effect in
            if case .ban(let peer, let time) = effect { (peer.rawValue, time) } else { nil }
        }
    }

    var disconnected: [(peer: UInt64, reason: DisconnectReason)] {
        compactMap { effect in
            if case .disconnect(let peer, let reason) = effect {
                (peer.rawValue, reason)
            } else {
                nil
            }
        }
    }

    var wantedBlocks: [(block: BlockRef, from: [UInt64])] {
        compactMap { effect in
            if case .wantBlock(let block, let peers) = effect {
                (block, peers.map(\.rawValue))
            } else {
                nil
            }
        }
    }
}
