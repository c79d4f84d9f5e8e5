package import Primitives
internal import SCALE

/// Why a block can never be part of the chain, or not yet.
package enum BlockInvalid: Error, Sendable, Hashable {
    /// The parent is another block.
    case wrongParent
    /// The height is not the parent's plus one.
    case wrongNumber
    /// The digest is not exactly one `aura` slot, an announcement of a hand-off at most, and one
    /// Falcon seal.
    case malformedDigest
    /// The seal has not the form of a Falcon-1024 signature.
    case malformedSeal
    /// The slot is not after the parent's.
    case slotNotAfterParent
    /// The slot is still to come by the local clock: the only reason that may pass.
    case slotAhead(SlotNumber, current: SlotNumber)
    /// The extrinsics take more than `Block.maximumBodyByteCount` bytes.
    case bodyTooLarge(byteCount: Int)
    /// The body is not the one that the header commits to.
    case wrongExtrinsicsRoot
    /// The body cannot be executed.
    case transition(ChainState.TransitionError)
    /// The state after the body is not the one that the header commits to.
    case wrongStateRoot
    /// The digest does not announce the hand-off that the body brings, or announces another.
    case wrongHandOff(expected: HandOff?, found: HandOff?)
}

/// A block that holds in everything except the signatures, which are still to be checked.
package struct PendingBlock: Sendable, Equatable {
    /// The block.
    package let block: Block
    /// The state after it.
    package let state: ChainState
    /// The author that the slot gives.
    package let author: ValidatorIndex
    /// The seal first, then those of each extrinsic in their order; all must hold.
    package let signatures: [SignatureCheck]
}

/// Everything that makes a block valid. See docs/protocol.md, "Blocks".
package struct BlockChecker: Sendable {
    /// The chain: extrinsics are signed for it.
    package let genesisHash: Hash256
    /// Judges evidence of double votes.
    package let evidence: EvidenceRules

    package init(genesisHash: Hash256, evidence: EvidenceRules) {
        self.genesisHash = genesisHash
        self.evidence = evidence
    }

    /// Checks everything but the signatures.
    ///
    /// - Parameters:
    ///   - parent: the header that the block names as its parent.
    ///   - parentState: the state after the parent.
    ///   - currentSlot: the slot that the local clock is in.
    package func check(
        _ block: Block, parent: Header, parentState: ChainState, currentSlot: SlotNumber
    ) throws(BlockInvalid) -> PendingBlock {
        let (slot, seal) = try checkHeader(block.header, parent: parent, currentSlot: currentSlot)
        let bodyByteCount = block.bodyByteCount
        guard bodyByteCount <= Block.maximumBodyByteCount else {
            throw .bodyTooLarge(byteCount: bodyByteCount)
        }
        guard Block.extrinsicsRoot(of: block.extrinsics) == block.header.extrinsicsRoot else {
            throw .wrongExtrinsicsRoot
        }
        var state = parentState
        let handOff: HandOff?
        do {
            handOff = try state.apply(
                block.extrinsics, at: block.header.number, evidence: evidence)
        } catch {
            throw .transition(error)
        }
        guard state.root == block.header.stateRoot else { throw .wrongStateRoot }
        let digest = HandOff.digest(slot: slot, announcing: handOff)
        guard block.header.digest.dropLast().elementsEqual(digest) else {
            throw .wrongHandOff(expected: handOff, found: block.header.handOff)
        }
        let set = parentState.setInForce
        let author = set.author(of: slot)
        var signatures = [
            SignatureCheck(
                signature: seal, message: block.header.preSealHash.bytes, validator: author,
                set: set)
        ]
        for extrinsic in block.extrinsics {
            signatures += signatureChecks(of: extrinsic, state: parentState) ?? []
        }
        return PendingBlock(block: block, state: state, author: author, signatures: signatures)
    }

    /// The signatures that an extrinsic stands on: its signer's, and those within its payload. Nil
    /// when the signer is no member of the set in force, or the evidence is none.
    ///
    /// - Parameter state: the state after the parent of the block that holds the extrinsic.
    package func signatureChecks(
        of extrinsic: Extrinsic, state: ChainState
    ) -> [SignatureCheck]? {
        let set = state.setInForce
        guard let signer = set.index(of: extrinsic.signer) else { return nil }
        let own = SignatureCheck(
            signature: extrinsic.signature,
            message: extrinsic.signingBytes(genesisHash: genesisHash), validator: signer, set: set)
        switch extrinsic.call {
        case .remark, .nominateRemoval, .leave: return [own]
        case .rotateKey(let key, let proof):
            return [own, keyProof(proof, of: key, account: extrinsic.signer)]
        case .nominateAddition(let identity, let proof):
            let key = identity.falconPublicKey
            return [own, keyProof(proof, of: key, account: identity.account)]
        case .evidence(let payload):
            let charge = evidence.charge(payload, active: set, previous: state.previousSet)
            return charge.map { [own] + $0.signatures }
        }
    }

    private func keyProof(
        _ proof: [UInt8], of key: [UInt8], account: AccountID
    ) -> SignatureCheck {
        SignatureCheck(
            signature: proof,
            message: Extrinsic.keyProofBytes(
                genesisHash: genesisHash, account: account, newKey: key),
            key: .bytes(key))
    }

    /// Checks what a header alone shows; returns its slot and seal.
    package func checkHeader(
        _ header: Header, parent: Header, currentSlot: SlotNumber
    ) throws(BlockInvalid) -> (slot: SlotNumber, seal: [UInt8]) {
        let (slot, seal) = try Self.checkForm(header)
        guard header.parentHash == parent.hash else { throw .wrongParent }
        guard header.number == parent.number.successor else { throw .wrongNumber }
        if let parentSlot = parent.slot, slot <= parentSlot { throw .slotNotAfterParent }
        guard slot.timing(at: currentSlot) == .begun else {
            throw .slotAhead(slot, current: currentSlot)
        }
        return (slot, seal)
    }

    /// Checks what needs no parent: the digest's and the seal's form.
    package static func checkForm(
        _ header: Header
    ) throws(BlockInvalid) -> (slot: SlotNumber, seal: [UInt8]) {
        guard (2...3).contains(header.digest.count),
            case .preRuntime(.aura, _) = header.digest[0],
            let slot = header.slot, let seal = header.seal,
            header.digest.count == 2 || header.handOff != nil
        else { throw .malformedDigest }
        guard seal.count == SignatureFormat.byteCount, seal[0] == SignatureFormat.firstByte
        else { throw .malformedSeal }
        return (slot, seal)
    }
}
