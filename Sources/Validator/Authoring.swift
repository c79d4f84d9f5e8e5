internal import BlockSync
package import Chain
internal import Primitives

/// The production of own blocks: at most one per slot, whatever happens in between.
struct Authoring: Sendable {
    /// Whether blocks are produced here.
    let isActive: Bool
    /// The newest slot that a block of ours may have been begun for. An own block is durable before
    /// anybody sees it, and its slot is written beside the keys, so that no restart, no purged chain
    /// and no clock that was set back makes a slot free again. The slot of the start counts as used.
    private(set) var newestSlot: SlotNumber?
    /// The block that waits for its seal.
    private(set) var pending: (slot: SlotNumber, builder: BlockBuilder)?
    /// The newest own block.
    private var newest: Hash256?

    init(
        isActive: Bool, keys: HeldKeys, tree: BlockTree, startedIn slot: SlotNumber,
        newest: SlotNumber?
    ) {
        self.isActive = isActive
        guard isActive else { return }
        newestSlot = max(slot, newest ?? slot)
        for head in tree.heads {
            var step = tree.header(head.hash)
            while let header = step {
                if let slot = header.slot, newestSlot.map({ slot > $0 }) ?? true,
                    let set = tree.votingSet(of: header.hash),
                    keys.local(in: set) == set.author(of: slot)
                {
                    newestSlot = slot
                }
                step = header.hash == tree.finalised.hash ? nil : tree.header(header.parentHash)
            }
        }
    }

    /// The key to seal with when a block may be begun in a slot on top of a parent of that state; nil
    /// when it may not.
    func key(for slot: SlotNumber, on state: ChainState, of keys: HeldKeys) -> [UInt8]? {
        guard isActive, newestSlot.map({ slot > $0 }) ?? true else { return nil }
        let set = state.setInForce
        guard let local = keys.local(in: set), set.author(of: slot) == local else { return nil }
        return set.validator(at: local)?.falconPublicKey
    }

    /// A block waits for its seal; the slot is used up from now on.
    mutating func begin(_ builder: BlockBuilder, in slot: SlotNumber) {
        newestSlot = slot
        pending = (slot, builder)
    }

    /// The block whose seal arrived; nil when it was given up since.
    mutating func complete(_ slot: SlotNumber, _ seal: [UInt8]) -> Block? {
        guard let pending, pending.slot == slot else { return nil }
        self.pending = nil
        let block = pending.builder.seal(seal)
        newest = block.header.hash
        return block
    }

    /// Whether a block is the newest one made here.
    func isOwn(_ hash: Hash256) -> Bool { hash == newest }
}

extension ValidatorCore {
    /// The header of the own block that waits for its seal; nil when none does. For signers that look
    /// at what they sign.
    package var unsealedHeader: Header? { authoring.pending?.builder.unsealed }

    /// Begins an own block if the slot is ours: on the best head, with what the pool has ready.
    mutating func produceBlock() {
        let slot = currentSlot
        guard let parent = tree.header(tree.best.hash), let state = tree.state(of: parent.hash),
            let key = authoring.key(for: slot, on: state, of: keys)
        else { return }
        guard !sync.isCatchingUp else { return }
        guard !tree.isAtMaximumDepth else {
            return fail(slot, "finality is \(tree.depth) blocks behind; waiting for it")
        }
        do {
            let builder = try BlockBuilder(
                parent: parent, parentState: state, slot: slot,
                extrinsics: sync.pool.ready(state: state, byteLimit: Block.maximumBodyByteCount),
                evidence: evidenceRules)
            authoring.begin(builder, in: slot)
            effects.append(.signSeal(slot, message: builder.message, key: key))
        } catch {
            fail(slot, "\(error)")
        }
    }

    /// Takes the seal of an own block.
    mutating func complete(_ slot: SlotNumber, _ signature: [UInt8]?) {
        guard let signature else { return fail(slot, "the signer gave no seal") }
        guard let block = authoring.complete(slot, signature) else { return }
        waiting.append(.sync(.ownBlock(block)))
    }

    private mutating func fail(_ slot: SlotNumber, _ reason: String) {
        effects.append(.event(.authoringFailed(slot, reason: reason)))
    }
}
