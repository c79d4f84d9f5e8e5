import Chain
import Primitives
import SCALE

/// Evidence for tests: a set's id and an account, which stands for two votes of that account.
enum ToyEvidence {
    static func payload(_ set: UInt64, _ offender: ValidatorIdentity) -> [UInt8] {
        set.scaleBytes + offender.account.bytes
    }
}

extension EvidenceRules {
    static let toy = EvidenceRules { payload, active, previous in
        guard payload.count == 40, let account = AccountID(payload.dropFirst(8)),
            let set = [active, previous].compactMap({ $0 }).first(where: {
                payload.starts(with: $0.id.scaleBytes)
            }), let index = set.index(of: account), let member = set.validator(at: index)
        else { return nil }
        return Charge(
            conviction: Conviction(setID: set.id, account: account), setHash: set.hash,
            signatures: [
                SignatureCheck(
                    signature: TagScheme.sign(payload, as: member), message: payload,
                    validator: index, set: set)
            ])
    }
}

/// A chain whose sets change, grown block by block on one branch or several.
struct SessionChain {
    let genesisHash: Hash256
    let genesis: Tip
    let checker: BlockChecker

    /// The end of a branch.
    struct Tip {
        let header: Header
        let state: ChainState
    }

    init(_ count: Int, session: UInt32 = 4, excludes: Bool = true) throws {
        let constants = try ChainConstants(
            specVersion: 1, chainID: "sessions", slotDurationMilliseconds: 6_000,
            policy: .standard(validatorCount: count), sessionLength: session,
            excludesEquivocators: excludes)
        let (state, header) = try ChainState.genesis(
            constants: constants, validators: (1...count).map { validator($0) })
        genesis = Tip(header: header, state: state)
        genesisHash = header.hash
        checker = BlockChecker(genesisHash: header.hash, evidence: .toy)
    }

    /// A call signed with the signer's key in a state, with its next nonce there.
    func extrinsic(
        _ call: Extrinsic.Call, by number: Int, on state: ChainState, nonceOffset: UInt64 = 0
    ) throws -> Extrinsic {
        let account = validator(number).account
        let index = state.setInForce.index(of: account)
        let signer = index.flatMap { state.setInForce.validator(at: $0) } ?? validator(number)
        let nonce = state.nonces[account] + nonceOffset
        let message = Extrinsic.signingBytes(
            call: call, signer: account, nonce: nonce, genesisHash: genesisHash)
        let made = Extrinsic(
            call: call, signer: account, nonce: nonce,
            signature: TagScheme.sign(message, as: signer))
        guard let made else { throw ChainState.CallRefusal.invalidEvidence }
        return made
    }

    /// The proof that the holder of a key gives for an account.
    func proof(_ identity: ValidatorIdentity) -> [UInt8] {
        TagScheme.sign(
            Extrinsic.keyProofBytes(
                genesisHash: genesisHash, account: identity.account,
                newKey: identity.falconPublicKey), as: identity)
    }

    func rotation(of number: Int, to other: Int) throws -> Extrinsic.Call {
        let identity = rotated(number, to: other)
        return .rotateKey(newKey: identity.falconPublicKey, proof: proof(identity))
    }

    func addition(_ number: Int) -> Extrinsic.Call {
        .nominateAddition(validator(number), proof: proof(validator(number)))
    }

    /// A sealed block with these extrinsics, checked in full, signatures included.
    func grow(_ tip: Tip, _ extrinsics: [Extrinsic] = [], slot: UInt64? = nil) throws -> (
        block: Block, tip: Tip
    ) {
        let slot = SlotNumber(slot ?? (tip.header.slot?.rawValue ?? 0) + 1)
        let builder = try BlockBuilder(
            parent: tip.header, parentState: tip.state, slot: slot, extrinsics: extrinsics,
            evidence: .toy)
        let author = tip.state.setInForce.validators[Int(builder.author.rawValue)]
        let block = builder.seal(TagScheme.sign(builder.message, as: author))
        let pending = try checker.check(
            block, parent: tip.header, parentState: tip.state, currentSlot: slot)
        guard pending.signatures.allSatisfy({ $0.run(using: TagScheme()) }) else {
            throw BadSignature()
        }
        return (block, Tip(header: block.header, state: pending.state))
    }

    struct BadSignature: Error {}

    /// Grows to a height with what each height's block has in it.
    func grow(
        _ tip: Tip, to height: UInt32, slot: UInt64? = nil,
        _ calls: (Tip, UInt32) throws -> [Extrinsic] = { _, _ in [] }
    ) throws -> Tip {
        var tip = tip
        while tip.header.number.rawValue < height {
            let next = tip.header.number.rawValue + 1
            tip = try grow(tip, try calls(tip, next)).tip
        }
        return tip
    }
}

/// The account of one validator with the key of another number.
func rotated(_ number: Int, to other: Int) -> ValidatorIdentity {
    guard
        let identity = ValidatorIdentity(
            account: validator(number).account,
            falconPublicKey: validator(other).falconPublicKey)
    else { preconditionFailure("the lengths are right") }
    return identity
}
