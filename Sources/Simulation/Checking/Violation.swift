package import Chain
package import Coherence
package import Primitives

/// A rule of the protocol that a run broke.
package enum Violation: Error, Sendable, Hashable {
    /// Two blocks are final of which neither is the other's ancestor.
    case conflictingFinality(node: Int, BlockRef, canonical: Hash256)
    /// q validators precommitted a block that conflicts with a final one, whether or not anybody
    /// has put the certificate together.
    case conflictingCertificate(VoteTarget, round: RoundNumber, canonical: Hash256)
    /// Two blocks got q prevotes in one round.
    case conflictingQuorums(round: RoundNumber, VoteTarget, VoteTarget)
    /// A set made a block final that another set votes on: it lies beyond its hand-off block, or
    /// before it.
    case beyondHandOff(VoteTarget, of: SetID, round: RoundNumber)
    /// Two sets of one id were activated.
    case setsDiffer(node: Int, SetID, Hash256, Hash256)
    /// A node activated a set without a certificate of the set before for a block that announces
    /// it.
    case handOffUnproven(node: Int, SetID, String)
    /// A node was to sign a vote of a set with a key that is not its key there.
    case keyOutOfTurn(node: Int, VoteSlot)
    /// The first round that anybody entered of a set is not 0.
    case setBeganLate(node: Int, SetID, RoundNumber)
    /// F moved back, or not forward.
    case finalityNotMonotone(node: Int, from: BlockRef, to: BlockRef)
    /// A node took a block for final that fewer than q validators precommitted.
    case unbackedCertificate(node: Int, BlockRef, round: RoundNumber, backers: Int)
    /// An honest key gave two contents to one slot.
    case doubleVote(VoteSlot, VoteTarget, VoteTarget)
    /// A node announced finality before the certificate was durable.
    case certificateNotDurable(node: Int, BlockRef)
    /// A node has a lock of a round not below F's on a block above F that its disk does not hold.
    case lockWithoutBlock(node: Int, BlockRef, round: RoundNumber)
    /// An honest node asked its signer for another vote in a slot than the first time.
    case signerAskedAnew(VoteSlot, VoteTarget, VoteTarget)
    /// A vote left its node before it was durable.
    case voteNotDurable(VoteSlot, VoteTarget)
    /// An honest author made two blocks in a slot.
    case doubleBlock(author: Int, SlotNumber, Hash256, Hash256)
    /// An honest node holds something against another one.
    case honestPeerBlamed(by: Int, peer: Int, String)
    /// A node holds more than it may.
    case overBound(node: Int, String)
    /// A node sent a peer more in a while than it ever should, whatever the peer does.
    case amplified(node: Int, peer: Int, byteCount: Int)
    /// A node wrote what contradicts its disk.
    case disk(node: Int, DiskFault)
    /// A node did not believe its own disk.
    case notRecovered(node: Int, RecoveryError)
    /// An honest node raised the alarm although no more are faulty than the policy bears.
    case alarm(node: Int, String)
    /// After healing, finality did not advance in time on this node.
    case notAlive(node: Int, finalised: BlockRef, needed: BlockNumber, healedSeconds: Int)

    /// Whether something wrong happened, rather than that something right did not happen.
    package var isSafety: Bool {
        if case .notAlive = self { false } else { true }
    }
}

extension Violation {
    /// Whether it is what two conflicting certificates are, or lead to.
    var isOfFork: Bool {
        switch self {
        case .conflictingFinality, .conflictingCertificate, .conflictingQuorums, .alarm: true
        default: false
        }
    }

    /// The kind of violation, without its circumstances.
    package var name: String {
        let text = String(describing: self)
        return String(text.prefix { $0 != "(" })
    }
}
