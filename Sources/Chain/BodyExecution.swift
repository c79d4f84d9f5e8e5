package import Primitives

extension ChainState {
    /// Why a body cannot be executed.
    package enum TransitionError: Error, Sendable, Hashable {
        /// The signer is no member of the set in force.
        case unknownSigner(position: Int, AccountID)
        /// The nonce is not the signer's next.
        case wrongNonce(position: Int, expected: UInt64, found: UInt64)
        /// The signer's nonces are used up.
        case nonceExhausted(position: Int, AccountID)
        /// As many accounts as the chain remembers have signed something.
        case accountsExhausted(position: Int, AccountID)
        /// What is asked for cannot be done.
        case refused(position: Int, CallRefusal)
        /// The next set cannot be formed.
        case invalidSet(ValidatorSet.Invalid)
    }

    /// Why the chain does not do what an extrinsic asks for.
    package enum CallRefusal: Error, Sendable, Hashable {
        /// The chain's sets never change.
        case setsNeverChange
        /// There are no more set ids.
        case setIDsExhausted
        /// The account is not in the next set.
        case notInNextSet(AccountID)
        /// The account is in the next set already.
        case accountTaken(AccountID)
        /// The key is another member's, now or in the next set, or it is the signer's already.
        case keyTaken(by: AccountID)
        /// The next set has as many members as a set may have.
        case setFull
        /// The next set would have no member.
        case setWouldBeEmpty
        /// Not evidence against a member of the active or the previous set.
        case invalidEvidence
        /// The offender was convicted for this set before.
        case knownEvidence(Conviction)
    }
}

/// The execution of a block's body on top of a state, one extrinsic after the other.
///
/// An extrinsic that is refused changes nothing, so that others may follow: that is how the pool
/// tries what fits into a block. Source: docs/protocol.md, "Validator set changes".
package struct BodyExecution: Sendable {
    private let base: ChainState
    private let evidence: EvidenceRules
    private var position = 0
    private var nonces: AccountNonces
    /// The members of the next set as things stand.
    private var next: [ValidatorIdentity]
    private var nominations: [Nomination]
    private var convictions: [Conviction]

    package init(on state: ChainState, evidence: EvidenceRules) {
        base = state
        self.evidence = evidence
        nonces = state.nonces
        next = (state.pendingSet ?? state.activeSet).validators
        nominations = state.nominations
        convictions = state.convictions
    }

    private var active: ValidatorSet { base.activeSet }

    // MARK: Extrinsics

    /// Executes an extrinsic, or throws and changes nothing.
    package mutating func execute(_ extrinsic: Extrinsic) throws(ChainState.TransitionError) {
        let signer = extrinsic.signer
        guard active.index(of: signer) != nil else {
            throw .unknownSigner(position: position, signer)
        }
        let expected = nonces[signer]
        guard extrinsic.nonce == expected else {
            throw .wrongNonce(position: position, expected: expected, found: extrinsic.nonce)
        }
        guard expected < .max else { throw .nonceExhausted(position: position, signer) }
        guard nonces.canIncrement(signer) else {
            throw .accountsExhausted(position: position, signer)
        }
        do throws(ChainState.CallRefusal) {
            try execute(extrinsic.call, by: signer)
        } catch {
            throw .refused(position: position, error)
        }
        nonces.increment(signer)
        position += 1
    }

    /// Does what a member of the set in force asks for, its nonce aside.
    package mutating func execute(
        _ call: Extrinsic.Call, by signer: AccountID
    ) throws(ChainState.CallRefusal) {
        if case .remark = call { return }
        guard base.constants.sessionLength > 0 else { throw .setsNeverChange }
        guard active.id.successor != nil else { throw .setIDsExhausted }
        switch call {
        case .remark: break
        case .rotateKey(let key, _): try rotate(signer, to: key)
        case .evidence(let payload): try convict(payload)
        case .nominateAddition(let identity, _): try nominate(.add(identity), by: signer)
        case .nominateRemoval(let account): try nominate(.remove(account), by: signer)
        case .leave:
            try checkRemoval(of: signer)
            next.removeAll { $0.account == signer }
        }
    }

    // MARK: Set changes

    private mutating func rotate(
        _ account: AccountID, to key: [UInt8]
    ) throws(ChainState.CallRefusal) {
        guard let place = next.firstIndex(where: { $0.account == account }),
            let identity = ValidatorIdentity(account: account, falconPublicKey: key)
        else { throw .notInNextSet(account) }
        guard next[place] != identity else { throw .keyTaken(by: account) }
        try checkKey(of: identity)
        next[place] = identity
    }

    /// A key belongs to one member, in the set in force and in the next one.
    private func checkKey(of identity: ValidatorIdentity) throws(ChainState.CallRefusal) {
        let holder = (next + active.validators).first {
            $0.falconPublicKey == identity.falconPublicKey && $0.account != identity.account
        }
        if let holder { throw .keyTaken(by: holder.account) }
    }

    private func checkRemoval(of account: AccountID) throws(ChainState.CallRefusal) {
        guard next.contains(where: { $0.account == account }) else { throw .notInNextSet(account) }
        guard next.count > 1 else { throw .setWouldBeEmpty }
    }

    /// Notes a member's nomination in the place of its earlier one; a quorum's is carried out.
    private mutating func nominate(
        _ change: SetChange, by member: AccountID
    ) throws(ChainState.CallRefusal) {
        switch change {
        case .add(let identity):
            guard next.count < ValidatorSet.maximumCount else { throw .setFull }
            guard !next.contains(where: { $0.account == identity.account }) else {
                throw .accountTaken(identity.account)
            }
            try checkKey(of: identity)
        case .remove(let account): try checkRemoval(of: account)
        }
        let nomination = Nomination(member: member, change: change)
        let (place, isPresent) = nominations.position(of: member) { $0.member }
        if isPresent {
            nominations[place] = nomination
        } else {
            nominations.insert(nomination, at: place)
        }
        guard nominations.count(where: { $0.change == change }) >= active.quorum else { return }
        nominations.removeAll { $0.change == change }
        switch change {
        case .add(let identity): next.append(identity)
        case .remove(let account): next.removeAll { $0.account == account }
        }
    }

    // MARK: Evidence

    /// Puts an offender on record, and out of the next set where the chain's policy and the number
    /// of members allow it.
    private mutating func convict(_ payload: [UInt8]) throws(ChainState.CallRefusal) {
        let charge = evidence.charge(payload, active: active, previous: base.previousSet)
        guard let conviction = charge?.conviction else { throw .invalidEvidence }
        guard convictions.insertSorted(conviction) else { throw .knownEvidence(conviction) }
        guard base.constants.excludesEquivocators,
            next.count > Int(base.parts.exclusionFloor)
        else { return }
        next.removeAll { $0.account == conviction.account }
    }

    // MARK: The end of the block

    /// The state after the block of a height, and what its header must announce.
    package func finish(
        at number: BlockNumber
    ) throws(ChainState.TransitionError) -> (state: ChainState, handOff: HandOff?) {
        var parts = base.parts
        parts.nominations = nominations
        parts.convictions = convictions
        let isSessionEnd = base.constants.isSessionEnd(number)
        if isSessionEnd { parts.nominations = [] }
        guard next != active.validators, let id = active.id.successor else {
            parts.pendingSet = nil
            return (state(of: parts), nil)
        }
        let set = try nextSet(id)
        guard isSessionEnd else {
            parts.pendingSet = set
            return (state(of: parts), nil)
        }
        parts.previousSet = active
        parts.activeSet = set
        parts.pendingSet = nil
        parts.convictions.removeAll { $0.setID < active.id }
        return (state(of: parts), HandOff(set))
    }

    private func nextSet(_ id: SetID) throws(ChainState.TransitionError) -> ValidatorSet {
        if let pending = base.pendingSet, pending.validators == next { return pending }
        do {
            return try ValidatorSet(id: id, validators: next, policy: base.constants.policy)
        } catch {
            throw .invalidSet(error)
        }
    }

    /// Shares what did not change with the state before.
    private func state(of parts: ChainState.Parts) -> ChainState {
        parts == base.parts ? base.with(nonces) : ChainState(parts, nonces: nonces)
    }
}
