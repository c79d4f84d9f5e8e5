internal import Chain
internal import Primitives

/// From a block that came to a block in the tree.
extension SyncMachine {
    /// What became of a block that was offered.
    enum Offer: Sendable, Hashable {
        /// It is in the tree or being checked already.
        case known
        /// Its signatures are being checked.
        case taken
        /// Its parent is not known.
        case orphan
        /// Not now: its slot has not begun, it is too deep, or its slot has blocks enough.
        case postponed
        /// It can never be valid.
        case invalid
    }

    /// Checks a block in all but its signatures and has those checked.
    @discardableResult
    mutating func offer(
        _ item: CollectedBlock, origin: BlockOrigin, tree: BlockTree
    ) -> Offer {
        let block = item.block
        if isKnown(block.hash, tree: tree) { return .known }
        let parentHash = block.header.parentHash
        let parent: Header
        let parentState: ChainState
        if let header = tree.header(parentHash), let state = tree.state(of: parentHash) {
            (parent, parentState) = (header, state)
        } else if let pending = verification[parentHash]?.pending {
            (parent, parentState) = (pending.block.header, pending.state)
        } else {
            return .orphan
        }
        guard isWithinDepth(block.number, tree: tree) else { return .postponed }
        let pending: PendingBlock
        do {
            pending = try checker.check(
                block, parent: parent, parentState: parentState, currentSlot: currentSlot)
        } catch .slotAhead(let slot, _) {
            if slot.timing(at: currentSlot) == .next {
                park(block.header, from: item.source)
            } else {
                effects.append(.note(.farAhead(block.ref, slot, item.source)))
            }
            return .postponed
        } catch {
            report(item.source, .invalidBlock(block.hash, error))
            return .invalid
        }
        if origin == .announced, let slot = block.header.slot,
            tree.isSlotTaken(slot, author: pending.author, in: parentState.setInForce)
        {
            return .postponed
        }
        let check = CheckID(nextID())
        verification.insert(
            VerificationQueue.Entry(
                pending: pending, origin: origin, source: item.source,
                justification: item.justification, check: check))
        effects.append(.check(check, pending.signatures))
        return .taken
    }

    func isWithinDepth(_ number: BlockNumber, tree: BlockTree) -> Bool {
        UInt64(number.rawValue)
            <= UInt64(tree.finalised.number.rawValue) + UInt64(tree.limits.maximumDepth)
    }

    mutating func checked(
        _ id: CheckID, _ verdicts: [Bool], tree: inout BlockTree, now: Instant
    ) {
        if let transaction = checkedTransactions.removeValue(forKey: id) {
            let holds =
                verdicts.count == transaction.signatureCount && !verdicts.contains(false)
            return checked(transaction, holds: holds, tree: tree)
        }
        guard let hash = verification.hash(of: id), let entry = verification[hash] else { return }
        guard verdicts.count == entry.pending.signatures.count, !verdicts.contains(false) else {
            verification.removeSubtree(hash)
            report(entry.source, .badSignature(hash))
            if let source = entry.source {
                voidClaim(hash, of: source)
                blame(source, now: now, isFault: true)
            }
            if entry.origin == .followed { restartCatchUp() }
            return
        }
        verification.markVerified(hash)
        settle(hash, tree: &tree)
    }

    /// Imports a verified block whose parent is in the tree, and then its verified descendants.
    private mutating func settle(_ hash: Hash256, tree: inout BlockTree) {
        var ready = [hash]
        while let hash = ready.popLast() {
            guard let entry = verification[hash], entry.isVerified,
                tree.contains(entry.pending.block.header.parentHash)
            else { continue }
            let children = verification.children(of: hash)
            verification.remove(hash)
            if imports(entry, into: &tree) {
                ready += children.reversed()
            } else {
                for child in children { verification.removeSubtree(child) }
            }
        }
    }

    private mutating func imports(
        _ entry: VerificationQueue.Entry, into tree: inout BlockTree
    ) -> Bool {
        let block = entry.pending.block
        let insertion: BlockTree.Insertion
        do {
            insertion = try tree.insert(
                block, state: entry.pending.state, waivingSlotLimit: entry.origin != .announced)
        } catch {
            // Too deep, a third of its slot or no room: it is fetched again if it is needed.
            return false
        }
        imported(block, insertion)
        if let source = entry.source { peers.update(source) { $0.failureCount = 0 } }
        let isNews =
            entry.origin == .announced || (entry.origin == .wanted && insertion.isBest)
        if isNews { announce(block.header, tree: tree) }
        if let justification = entry.justification, let source = entry.source {
            effects.append(.justification(justification, source))
        }
        return true
    }

    private mutating func imported(_ block: Block, _ insertion: BlockTree.Insertion) {
        effects.append(.imported(block))
        dropTarget(block.hash)
        if let equivocation = insertion.equivocation {
            effects.append(.authorEquivocation(equivocation))
        }
    }

    /// Takes a block of our own; its seal is not checked again.
    mutating func ownBlock(_ block: Block, tree: inout BlockTree) {
        func refuse(_ reason: SyncNote.OwnBlockRefusal) {
            effects.append(.note(.ownBlockRefused(block.ref, reason)))
        }
        let parentHash = block.header.parentHash
        guard let parent = tree.header(parentHash), let parentState = tree.state(of: parentHash)
        else { return refuse(.unknownParent) }
        do {
            let pending = try checker.check(
                block, parent: parent, parentState: parentState, currentSlot: currentSlot)
            do {
                let insertion = try tree.insert(block, state: pending.state)
                imported(block, insertion)
                announce(block.header, tree: tree)
            } catch {
                refuse(.notImported(error))
            }
        } catch {
            refuse(.invalid(error))
        }
    }
}
