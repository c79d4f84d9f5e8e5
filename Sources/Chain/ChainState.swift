package import Primitives
package import SCALE

/// All that the chain remembers: what each header's state root commits to.
///
/// SCALE: constants { spec version u32, chain id, fork id Option, slot duration u64, voting
/// timings, policy }, active set, pending set Option, nonces. What rarely changes comes first, is
/// shared between the states of successive blocks, and is hashed once for all of them.
package struct ChainState: Sendable {
    private let slow: Slow
    /// How many extrinsics each account has had executed.
    package private(set) var nonces: AccountNonces

    /// The part that changes at set changes only.
    private final class Slow: Sendable {
        let constants: ChainConstants
        let activeSet: ValidatorSet
        let pendingSet: ValidatorSet?
        let hashed: BLAKE2bPrefix

        init(_ constants: ChainConstants, _ activeSet: ValidatorSet, _ pendingSet: ValidatorSet?) {
            self.constants = constants
            self.activeSet = activeSet
            self.pendingSet = pendingSet
            hashed = BLAKE2bPrefix(Self.encoding(constants, activeSet, pendingSet))
        }

        static func encoding(
            _ constants: ChainConstants, _ activeSet: ValidatorSet, _ pendingSet: ValidatorSet?
        ) -> [UInt8] {
            var encoder = SCALEEncoder(capacity: 256 + 1825 * activeSet.count)
            encoder.append(constants)
            encoder.append(activeSet)
            encoder.appendOption(pendingSet)
            return encoder.bytes
        }
    }

    /// A state of these parts; both sets must have the constants' policy.
    package init(
        constants: ChainConstants, activeSet: ValidatorSet, pendingSet: ValidatorSet? = nil,
        nonces: AccountNonces = AccountNonces()
    ) {
        precondition(activeSet.policy == constants.policy)
        precondition(pendingSet == nil || pendingSet?.policy == constants.policy)
        slow = Slow(constants, activeSet, pendingSet)
        self.nonces = nonces
    }

    /// What the chain specification fixes.
    package var constants: ChainConstants { slow.constants }
    /// The set that votes.
    package var activeSet: ValidatorSet { slow.activeSet }
    /// The set announced to follow, if any.
    package var pendingSet: ValidatorSet? { slow.pendingSet }

    /// The set in force for a child of the block that this state belongs to: it gives the child's
    /// author, its seal's key and its signers' keys. The only place that decides this.
    package var setInForce: ValidatorSet { slow.activeSet }

    /// BLAKE2b-256 of the SCALE encoding: a header's state root.
    package var root: Hash256 { slow.hashed.hash(followedBy: nonces.scaleBytes) }

    /// The beginning of a chain: its state and the header of its first block.
    package static func genesis(
        constants: ChainConstants, validators: [ValidatorIdentity]
    ) throws(ValidatorSet.Invalid) -> (state: ChainState, header: Header) {
        let set = try ValidatorSet(
            id: SetID(0), validators: validators, policy: constants.policy)
        let state = ChainState(constants: constants, activeSet: set)
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

    /// Why a body cannot be executed.
    package enum TransitionError: Error, Sendable, Hashable {
        /// The signer is no member of the set in force.
        case unknownSigner(position: Int, AccountID)
        /// The nonce is not the signer's next.
        case wrongNonce(position: Int, expected: UInt64, found: UInt64)
        /// The signer's nonces are used up.
        case nonceExhausted(position: Int, AccountID)
    }

    /// Executes a block's body; the state is unchanged when it throws.
    ///
    /// Signatures are not looked at here: see `BlockChecker`.
    package mutating func apply(_ extrinsics: [Extrinsic]) throws(TransitionError) {
        var next = nonces
        for (position, extrinsic) in extrinsics.enumerated() {
            let signer = extrinsic.signer
            guard setInForce.index(of: signer) != nil else {
                throw .unknownSigner(position: position, signer)
            }
            let expected = next[signer]
            guard extrinsic.nonce == expected else {
                throw .wrongNonce(
                    position: position, expected: expected, found: extrinsic.nonce)
            }
            guard expected < .max else { throw .nonceExhausted(position: position, signer) }
            next.increment(signer)
        }
        nonces = next
    }
}

extension ChainState: Hashable {
    package static func == (left: ChainState, right: ChainState) -> Bool {
        left.nonces == right.nonces
            && (left.slow === right.slow
                || (left.constants == right.constants && left.activeSet == right.activeSet
                    && left.pendingSet == right.pendingSet))
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(activeSet)
        hasher.combine(nonces)
    }
}

extension ChainState: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.appendRaw(Slow.encoding(constants, activeSet, pendingSet))
        encoder.append(nonces)
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        let constants = try decoder.read(ChainConstants.self)
        let active = try decoder.read(ValidatorSet.self)
        let pending = try decoder.readOption(ValidatorSet.self)
        let nonces = try decoder.read(AccountNonces.self)
        guard active.policy == constants.policy,
            pending == nil || pending?.policy == constants.policy
        else { throw .invalidValue(offset: start, reason: "a set has another policy") }
        self.init(
            constants: constants, activeSet: active, pendingSet: pending, nonces: nonces)
    }
}
