internal import Chain
package import Coherence
package import Primitives

/// Keys and votes of a model: they have the right sizes, and nobody looks at the signatures.
package enum ModelKeys {
    /// A validator whose account and key are made of its number.
    static func identity(_ index: Int) -> ValidatorIdentity {
        let byte = UInt8(truncatingIfNeeded: index + 1)
        guard let account = AccountID(Array(repeating: byte, count: Hash256.byteCount)),
            let identity = ValidatorIdentity(
                account: account,
                falconPublicKey: Array(
                    repeating: byte, count: ValidatorIdentity.publicKeyByteCount))
        else { preconditionFailure("the sizes are right") }
        return identity
    }

    static func set(_ count: Int, policy: QuorumPolicy) -> ValidatorSet {
        do {
            return try ValidatorSet(
                id: SetID(0), validators: (0..<count).map(identity), policy: policy)
        } catch {
            preconditionFailure("the model's set is valid: \(error)")
        }
    }

    /// Chain and validators of a model.
    package static func domain(
        _ configuration: ModelConfiguration, _ tree: ModelTree
    ) -> VotingDomain {
        VotingDomain(
            genesisHash: tree.blocks[0].hash,
            set: set(configuration.validators, policy: configuration.policy))
    }

    /// A vote whose signature says only who made it.
    package static func vote(
        _ validator: Int, _ phase: VotePhase, round: RoundNumber, for target: VoteTarget,
        in domain: VotingDomain
    ) -> VerifiedVote {
        let bytes =
            [SignatureFormat.firstByte, UInt8(truncatingIfNeeded: validator)]
            + Array(repeating: 0, count: SignatureFormat.byteCount - 2)
        guard let signature = VoteSignature(bytes) else {
            preconditionFailure("the signature has the right form")
        }
        let vote = CoherenceVote(
            validator: domain.set.validators[validator].account, target: target,
            coherenceScore: target.isNil ? 0 : 100, quantumState: .zero, signature: signature,
            phase: phase, round: round, setID: domain.set.id)
        do {
            return try vote.verify(in: domain, using: NoSignatures())
        } catch {
            preconditionFailure("the model's votes are valid: \(error)")
        }
    }
}

/// Believes every signature: in a model only its owner uses a key.
package struct NoSignatures: SignatureVerifier {
    package init() {}

    package func verify(
        _ signature: [UInt8], message: [UInt8], by index: ValidatorIndex, in set: ValidatorSet
    ) -> Bool { true }

    package func verify(_ signature: [UInt8], message: [UInt8], publicKey: [UInt8]) -> Bool {
        true
    }
}
