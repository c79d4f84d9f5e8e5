package import Chain
package import Primitives

/// What vote gossip reads of a gadget: where it stands and which votes it holds. A snapshot that
/// shares the gadget's storage: let it go before the gadget takes its next input, or the gadget has
/// to copy what it changes. An object, because it is handed on at every message.
package final class VotingView: Sendable {
    /// Chain and set.
    package let domain: VotingDomain
    /// The set before, of which the chain still takes evidence; nil in the first one.
    package let previousSet: ValidatorSet?
    /// r.
    package let round: RoundNumber
    /// F.
    package let finalised: BlockRef
    /// F's certificate in this set; nil before the first.
    package let certificate: VerifiedCertificate?
    /// The certificate of the highest round that we hold: F's, or one whose block we lack.
    package let newestCertificate: VerifiedCertificate?
    /// The round of the lock.
    package let lockRound: RoundNumber?
    /// The quorum certificate of the highest round whose block is known and at or above F.
    package let highestQuorum: VerifiedQuorumCertificate?
    /// Our stored votes of rounds r and r-1, in order: the bytes to send again.
    package let ownVotes: [VerifiedVote]
    /// Why signing ended, if it did.
    package let halt: SafetyAlarm?
    /// Whether certificates are shared; true but in broken rules.
    package let sharesCertificates: Bool
    /// Whether a vote of a content that is held is known as such; true but in broken rules.
    private let deduplicates: Bool
    private let tallies: VoteTallies

    fileprivate init(
        domain: VotingDomain, previousSet: ValidatorSet?, round: RoundNumber, finalised: BlockRef,
        certificate: VerifiedCertificate?, newestCertificate: VerifiedCertificate?,
        lockRound: RoundNumber?, highestQuorum: VerifiedQuorumCertificate?,
        ownVotes: [VerifiedVote], halt: SafetyAlarm?, sharesCertificates: Bool,
        deduplicates: Bool, tallies: VoteTallies
    ) {
        self.domain = domain
        self.previousSet = previousSet
        self.round = round
        self.finalised = finalised
        self.certificate = certificate
        self.newestCertificate = newestCertificate
        self.lockRound = lockRound
        self.highestQuorum = highestQuorum
        self.ownVotes = ownVotes
        self.halt = halt
        self.sharesCertificates = sharesCertificates
        self.deduplicates = deduplicates
        self.tallies = tallies
    }

    /// q.
    package var quorum: Int { domain.set.quorum }

    /// Who has voted in a round and phase, as a bitmap of ceil(n/8) bytes (bit i of byte i/8, least
    /// significant first); nil outside [r-1, r+1].
    package func held(_ round: RoundNumber, _ phase: VotePhase) -> [UInt8]? {
        tallies.bitmap(round, phase)
    }

    /// How many validators have voted in a round and phase; 0 outside [r-1, r+1].
    package func heldCount(_ round: RoundNumber, _ phase: VotePhase) -> Int {
        tallies.tally(round, phase)?.voterCount ?? 0
    }

    /// How many votes for a target are counted in a round and phase; 0 outside [r-1, r+1].
    package func voteCount(
        _ round: RoundNumber, _ phase: VotePhase, for target: VoteTarget
    ) -> Int {
        tallies.voteCount(round, phase, for: target)
    }

    /// Whether a block has q votes in a round and phase; false outside [r-1, r+1].
    package func hasQuorum(_ round: RoundNumber, _ phase: VotePhase) -> Bool {
        tallies.hasQuorum(round, phase)
    }

    /// The verified vote of this content that is held, whatever its score and signature.
    package func heldVote(in slot: VoteSlot, for target: VoteTarget) -> VerifiedVote? {
        guard deduplicates, slot.setID == domain.set.id,
            Int(slot.validator.rawValue) < domain.set.count
        else {
            return nil
        }
        return tallies.vote(in: slot, for: target)
    }

    /// Whether a verified vote of the same content is held.
    package func holds(_ vote: CoherenceVote) -> Bool {
        domain.slot(of: vote).map { heldVote(in: $0, for: vote.target) != nil } ?? false
    }

    /// The first votes of the validators whose bit is set in `wanted` (as in `held`), by index.
    package func votes(
        _ round: RoundNumber, _ phase: VotePhase, wanted: [UInt8]
    ) -> [VerifiedVote] {
        tallies.votes(round, phase, wanted: wanted)
    }

    /// The validators of whom a vote for this target is held in a round and phase, ascending.
    package func supporters(
        _ round: RoundNumber, _ phase: VotePhase, of target: VoteTarget
    ) -> [ValidatorIndex] {
        tallies.supporters(round, phase, of: target)
    }

    /// The held votes for a block, prevotes before precommits of each round, by index.
    package func votes(for block: Hash256) -> [VerifiedVote] {
        tallies.rounds.flatMap { round in
            VotePhase.allCases.flatMap { phase in
                tallies.tally(round, phase)?.votes { $0.target.hash == block } ?? []
            }
        }
    }
}

extension CoherenceGadget {
    /// The gadget as vote gossip sees it now.
    package func view(tree: BlockTree) -> VotingView {
        VotingView(
            domain: domain, previousSet: tree.state(of: tree.finalised.hash)?.previousSet,
            round: round, finalised: finalised, certificate: certificate,
            newestCertificate: heldCertificates.reduce(certificate) { newest, held in
                newest.map { $0.round >= held.round } ?? false ? newest : held
            },
            lockRound: lock?.round,
            highestQuorum: rules.countsExactly ? highestQuorum(tree: tree) : nil,
            ownVotes: rules.resendsStoredVotes ? own.stored : [], halt: halt,
            sharesCertificates: rules.sharesCertificates,
            deduplicates: rules.countsContentOnce, tallies: tallies)
    }
}
