package import Primitives
package import SCALE

/// All that the chain remembers: what each header's state root commits to.
///
/// SCALE: constants, exclusion floor u16, active set, previous set Option, pending set Option,
/// nominations Vec, convictions Vec, nonces. What rarely changes comes first, is shared between the
/// states of successive blocks, and is hashed once for all of them.
package struct ChainState: Sendable {
    /// An equivocator is excluded only while so many others are left, on chains that began with as
    /// many: fewer could not bear any fault.
    package static let exclusionFloor = 4

    private let slow: Slow
    /// How many extrinsics each account has had executed.
    package private(set) var nonces: AccountNonces

    /// The part that ordinary blocks leave alone.
    struct Parts: Sendable, Hashable {
        var constants: ChainConstants
        var exclusionFloor: UInt16
        var activeSet: ValidatorSet
        var previousSet: ValidatorSet?
        var pendingSet: ValidatorSet?
        /// Ascending by member.
        var nominations: [Nomination] = []
        /// Ascending; of the active and the previous set.
        var convictions: [Conviction] = []

        func encode(to encoder: inout SCALEEncoder) {
            encoder.append(constants)
            encoder.append(exclusionFloor)
            encoder.append(activeSet)
            encoder.appendOption(previousSet)
            encoder.appendOption(pendingSet)
            encoder.appendItems(nominations)
            encoder.appendItems(convictions)
        }
    }

    private final class Slow: Sendable {
        let parts: Parts
        let hashed: BLAKE2bPrefix

        init(_ parts: Parts) {
            self.parts = parts
            let setCount =
                1 + (parts.previousSet == nil ? 0 : 1) + (parts.pendingSet == nil ? 0 : 1)
            var encoder = SCALEEncoder(
                capacity: 256 + ValidatorIdentity.byteCount * parts.activeSet.count * setCount)
            parts.encode(to: &encoder)
            hashed = BLAKE2bPrefix(encoder.bytes)
        }
    }

    init(_ parts: Parts, nonces: AccountNonces) {
        slow = Slow(parts)
        self.nonces = nonces
    }

    /// The same state with other nonces.
    func with(_ nonces: AccountNonces) -> ChainState {
        var state = self
        state.nonces = nonces
        return state
    }

    var parts: Parts { slow.parts }

    /// What the chain specification fixes.
    package var constants: ChainConstants { parts.constants }
    /// The set that votes on the blocks to come, and makes them.
    package var activeSet: ValidatorSet { parts.activeSet }
    /// The set before the active one: evidence against its members is still taken. Nil in the first
    /// set.
    package var previousSet: ValidatorSet? { parts.previousSet }
    /// What the end of the session brings, if it brings anything new; its id is the active one's
    /// plus 1.
    package var pendingSet: ValidatorSet? { parts.pendingSet }
    /// The open nominations, ascending by member.
    package var nominations: [Nomination] { parts.nominations }
    /// Who was convicted of voting twice in the active or the previous set, ascending.
    package var convictions: [Conviction] { parts.convictions }

    /// The set in force for a child of the block that this state belongs to: it gives the child's
    /// author, its seal's key and its signers' keys, and it votes on the child. The only place that
    /// decides this.
    package var setInForce: ValidatorSet { parts.activeSet }

    /// BLAKE2b-256 of the SCALE encoding: a header's state root.
    package var root: Hash256 { slow.hashed.hash(followedBy: nonces.scaleBytes) }

    /// The beginning of a chain: its state and the header of its first block.
    package static func genesis(
        constants: ChainConstants, validators: [ValidatorIdentity]
    ) throws(ValidatorSet.Invalid) -> (state: ChainState, header: Header) {
        let set = try ValidatorSet(
            id: SetID(0), validators: validators, policy: constants.policy)
        let floor = set.count >= exclusionFloor ? exclusionFloor : 1
        let state = ChainState(
            Parts(constants: constants, exclusionFloor: UInt16(floor), activeSet: set),
            nonces: AccountNonces())
        let header = Header(
            parentHash: .zero, number: BlockNumber(0), stateRoot: state.root,
            extrinsicsRoot: Block.emptyExtrinsicsRoot, digest: [])
        return (state, header)
    }

    /// The beginning of a chain of these parameters.
    package static func genesis(
        parameters: ChainParameters, validators: [ValidatorIdentity]
    ) throws(ValidatorSet.Invalid) -> (state: ChainState, header: Header) {
        try genesis(constants: parameters.constants, validators: validators)
    }

    /// Executes the body of the block of a height; the state is unchanged when it throws.
    ///
    /// Signatures are not looked at here: see `BlockChecker`.
    ///
    /// - Returns: what the block's header must announce.
    @discardableResult
    package mutating func apply(
        _ extrinsics: [Extrinsic], at number: BlockNumber, evidence: EvidenceRules
    ) throws(TransitionError) -> HandOff? {
        var execution = BodyExecution(on: self, evidence: evidence)
        for extrinsic in extrinsics { try execution.execute(extrinsic) }
        let handOff: HandOff?
        (self, handOff) = try execution.finish(at: number)
        return handOff
    }
}

extension ChainState: Hashable {
    package static func == (left: ChainState, right: ChainState) -> Bool {
        left.nonces == right.nonces && (left.slow === right.slow || left.parts == right.parts)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(activeSet)
        hasher.combine(nonces)
    }
}

extension ChainState: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        parts.encode(to: &encoder)
        encoder.append(nonces)
    }

    /// Reads a state that keeps its rules: sets of the constants' policy with successive ids, a
    /// pending set that differs from the active one, nominations and convictions in order and of
    /// members.
    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        let parts = Parts(
            constants: try decoder.read(), exclusionFloor: try decoder.readInteger(),
            activeSet: try decoder.read(), previousSet: try decoder.readOption(),
            pendingSet: try decoder.readOption(),
            nominations: try decoder.readItems(
                limit: ValidatorSet.maximumCount, minimumItemByteCount: 65),
            convictions: try decoder.readItems(
                limit: 2 * ValidatorSet.maximumCount, minimumItemByteCount: 40))
        let nonces = try decoder.read(AccountNonces.self)
        if let reason = parts.inconsistency { throw .invalidValue(offset: start, reason: reason) }
        self.init(parts, nonces: nonces)
    }
}

extension ChainState.Parts {
    /// Which rule of a state does not hold; nil when all do.
    fileprivate var inconsistency: String? {
        for set in [activeSet, previousSet, pendingSet]
        where set.map(\.policy) ?? constants.policy
            != constants.policy
        {
            return "a set has another policy"
        }
        guard previousSet.map({ $0.id.successor == activeSet.id }) ?? (activeSet.id == SetID(0))
        else { return "the previous set is not the one before" }
        if let pendingSet {
            guard pendingSet.id == activeSet.id.successor,
                pendingSet.validators != activeSet.validators
            else { return "the pending set is not the one after" }
        }
        guard exclusionFloor >= 1 else { return "the exclusion floor is 0" }
        for (one, next) in zip(nominations, nominations.dropFirst()) where one.member >= next.member
        {
            return "nominations are not ascending"
        }
        guard nominations.allSatisfy({ activeSet.index(of: $0.member) != nil }) else {
            return "a nomination of a stranger"
        }
        for (one, next) in zip(convictions, convictions.dropFirst()) where one >= next {
            return "convictions are not ascending"
        }
        let sets = [previousSet, activeSet].compactMap { $0 }
        guard
            convictions.allSatisfy({ conviction in
                sets.contains {
                    $0.id == conviction.setID && $0.index(of: conviction.account) != nil
                }
            })
        else { return "a conviction of a stranger" }
        return nil
    }
}
