package import Primitives
internal import SCALE

/// A block in the making: everything but the seal.
package struct BlockBuilder: Sendable {
    /// The header without its seal.
    package let unsealed: Header
    /// The body.
    package let extrinsics: [Extrinsic]
    /// The state after the block.
    package let state: ChainState
    /// Whose slot it is: the validator whose key must seal.
    package let author: ValidatorIndex

    /// Executes a body on top of a parent.
    ///
    /// - Parameter evidence: judges evidence of double votes.
    /// - Throws: `wrongNumber` when the parent has the last possible height,
    ///   `slotNotAfterParent`, `bodyTooLarge` or `transition`.
    package init(
        parent: Header, parentState: ChainState, slot: SlotNumber, extrinsics: [Extrinsic],
        evidence: EvidenceRules
    ) throws(BlockInvalid) {
        guard let number = parent.number.successor else { throw .wrongNumber }
        if let parentSlot = parent.slot, slot <= parentSlot { throw .slotNotAfterParent }
        let byteCount = Block.byteCount(of: extrinsics)
        guard byteCount <= Block.maximumBodyByteCount else {
            throw .bodyTooLarge(byteCount: byteCount)
        }
        var state = parentState
        let handOff: HandOff?
        do {
            handOff = try state.apply(extrinsics, at: number, evidence: evidence)
        } catch {
            throw .transition(error)
        }
        unsealed = Header(
            parentHash: parent.hash, number: number, stateRoot: state.root,
            extrinsicsRoot: Block.extrinsicsRoot(of: extrinsics),
            digest: HandOff.digest(slot: slot, announcing: handOff))
        self.extrinsics = extrinsics
        self.state = state
        author = parentState.setInForce.author(of: slot)
    }

    /// What the author signs: the hash of the header without its seal, 32 bytes.
    package var message: [UInt8] { unsealed.hash.bytes }

    /// The block with its seal, a Falcon-1024 signature over `message`.
    package func seal(_ signature: [UInt8]) -> Block {
        let header = Header(
            parentHash: unsealed.parentHash, number: unsealed.number,
            stateRoot: unsealed.stateRoot, extrinsicsRoot: unsealed.extrinsicsRoot,
            digest: unsealed.digest + [.seal(.falcon, signature)])
        return Block(header: header, extrinsics: extrinsics)
    }
}
