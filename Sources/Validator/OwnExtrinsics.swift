internal import BlockSync
internal import Chain
internal import Coherence
internal import Primitives
internal import SCALE

/// What this node itself asks of the chain: evidence that it holds, and what the operator wants (a
/// new key, to leave). One at a time is signed with the key of the set in force.
struct OwnExtrinsics: Sendable {
    /// Calls that wait at most; further ones are refused.
    static let callLimit = 8
    /// Pieces of evidence, of one offender and set each, that wait at most.
    static let evidenceLimit = 64
    /// Slots whose evidence was told of, at most.
    private static let reportLimit = 256

    /// A call whose signature is awaited.
    struct Pending: Sendable {
        let call: Extrinsic.Call
        let signer: AccountID
        let nonce: UInt64
        /// Of evidence.
        let conviction: Conviction?
    }

    /// What the operator wants, in order.
    var calls: [Extrinsic.Call] = []
    var pending: Pending?
    /// One piece per offender and set, in the order in which they came.
    private var evidence: [(conviction: Conviction, proof: DoubleVote)] = []
    /// For which an extrinsic was made in this life.
    private var submitted: [Conviction] = []
    private var reported: [VoteSlot] = []
    /// The extrinsic that was handed to the pool last.
    private var newest: (hash: Hash256, conviction: Conviction?)?

    /// - Parameter evidence: what an earlier life has stored.
    init(evidence: [DoubleVote]) {
        for proof in evidence { keep(proof) }
    }

    /// Notes that evidence of a slot is told of; false when it was before.
    mutating func noteReport(_ slot: VoteSlot) -> Bool {
        guard !reported.contains(slot) else { return false }
        if reported.count == Self.reportLimit { reported.removeFirst() }
        reported.append(slot)
        return true
    }

    /// Keeps evidence for the chain unless there is some of its offender in its set.
    mutating func keep(_ proof: DoubleVote) {
        let conviction = Conviction(
            setID: proof.first.setID, account: proof.first.validator)
        guard !evidence.contains(where: { $0.conviction == conviction }) else { return }
        if evidence.count == Self.evidenceLimit { evidence.removeFirst() }
        evidence.append((conviction, proof))
    }

    /// Forgets evidence about sets before this one: the chain takes it no more.
    mutating func forget(before set: SetID) {
        evidence.removeAll { $0.conviction.setID < set }
        submitted.removeAll { $0.setID < set }
    }

    /// Evidence that belongs on the chain after a state and was not put there: its offender is not
    /// convicted, is still to be in the next set, and is not us.
    func due(on state: ChainState, as account: AccountID) -> (Conviction, DoubleVote)? {
        let next = state.pendingSet ?? state.activeSet
        return evidence.first { conviction, _ in
            !submitted.contains(conviction) && !state.convictions.contains(conviction)
                && next.index(of: conviction.account) != nil && conviction.account != account
        }
    }

    /// What became of an own extrinsic in the own pool. Evidence that was refused for its nonce or
    /// its key is tried again; what the chain would not do is not.
    mutating func noteOutcome(_ hash: Hash256, _ outcome: SubmissionOutcome) {
        guard let newest, newest.hash == hash else { return }
        self.newest = nil
        switch outcome {
        case .accepted, .refused(.inapplicable): break
        case .refused, .badSignature, .busy:
            if let conviction = newest.conviction { submitted.removeAll { $0 == conviction } }
        }
    }

    /// An extrinsic was made of the pending call.
    mutating func completePending(_ hash: Hash256) {
        guard let pending else { return }
        newest = (hash, pending.conviction)
        if let conviction = pending.conviction {
            submitted.append(conviction)
        } else if !calls.isEmpty {
            calls.removeFirst()
        }
        self.pending = nil
    }
}

extension ValidatorCore {
    /// A double vote was proven, here or by a peer: people hear of it once, and the chain.
    mutating func report(_ evidence: VerifiedDoubleVote) {
        guard own.noteReport(evidence.slot) else { return }
        effects.append(.event(.doubleVote(evidence)))
        own.keep(evidence.evidence)
    }

    /// Takes a wish of the operator; beyond the bound it is dropped.
    mutating func take(_ call: Extrinsic.Call) {
        guard own.calls.count < OwnExtrinsics.callLimit else { return }
        own.calls.append(call)
        requestOwnExtrinsic()
    }

    /// Asks for the signature of the next own extrinsic, if there is any and a member to sign it.
    mutating func requestOwnExtrinsic() {
        guard own.pending == nil, let state = tree.state(of: tree.best.hash),
            let index = keys.local(in: state.setInForce),
            let member = state.setInForce.validator(at: index)
        else { return }
        let account = member.account
        let due = state.constants.sessionLength > 0 ? own.due(on: state, as: account) : nil
        let call = due.map { .evidence($0.1.scaleBytes) } ?? own.calls.first
        guard let call else { return }
        let nonce = sync.pool.nextNonce(of: account, state: state)
        own.pending = OwnExtrinsics.Pending(
            call: call, signer: account, nonce: nonce, conviction: due?.0)
        let message = Extrinsic.signingBytes(
            call: call, signer: account, nonce: nonce, genesisHash: configuration.genesisHash)
        effects.append(.signExtrinsic(message: message, key: member.falconPublicKey))
    }

    /// Takes the signature; nil when the signer failed: it is asked again in the next slot.
    mutating func completeOwnExtrinsic(_ signature: [UInt8]?) {
        guard let pending = own.pending else { return }
        guard let signature,
            let extrinsic = Extrinsic(
                call: pending.call, signer: pending.signer, nonce: pending.nonce,
                signature: signature)
        else {
            own.pending = nil
            return
        }
        own.completePending(extrinsic.hash)
        waiting.append(.sync(.submit(extrinsic)))
    }
}
