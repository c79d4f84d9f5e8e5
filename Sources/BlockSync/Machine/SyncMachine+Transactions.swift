internal import Chain
internal import Primitives
internal import SCALE

/// Transactions: from peers and from this node into the pool, and on to peers.
extension SyncMachine {
    mutating func transactions(
        _ peer: PeerHandle, _ bytes: [UInt8], tree: BlockTree, now: Instant
    ) {
        guard peers[peer] != nil else { return }
        guard bytes.count <= TransactionsMessage.maximumByteCount,
            let message = transactionMessages.decode(bytes)
        else { return report(peer, .malformed) }
        let isWithin =
            peers.update(peer) { $0.transactions.take(message.extrinsics.count, now: now) }
            ?? false
        guard accept(isWithin, from: peer), let state = tree.state(of: tree.best.hash) else {
            return
        }
        for extrinsic in message.extrinsics {
            peers.update(peer) { $0.knownTransactions.insert(extrinsic.hash) }
            switch pool.refusal(of: extrinsic, state: state) {
            case nil: check(extrinsic, source: peer, state: state)
            case .unknownSigner:
                report(
                    peer,
                    Self.offence(.badTransaction(extrinsic.hash), with: extrinsic, on: state))
            // What the chain refuses here may be fine on the sender's best chain.
            case .stale, .tooFarAhead, .taken, .full, .inapplicable: break
            }
        }
    }

    mutating func submit(_ extrinsic: Extrinsic, tree: BlockTree) {
        guard let state = tree.state(of: tree.best.hash) else { return }
        if let refusal = pool.refusal(of: extrinsic, state: state) {
            return effects.append(.submitted(extrinsic.hash, .refused(refusal)))
        }
        if !check(extrinsic, source: nil, state: state) {
            effects.append(.submitted(extrinsic.hash, .busy))
        }
    }

    /// Has the signatures checked; false when too many are being checked.
    @discardableResult
    private mutating func check(
        _ extrinsic: Extrinsic, source: PeerHandle?, state: ChainState
    ) -> Bool {
        guard checkedTransactions.count < configuration.maximumCheckedTransactionCount,
            let signatures = checker.signatureChecks(of: extrinsic, state: state),
            let basis = pool.basis(of: extrinsic, state: state)
        else { return false }
        // One that a peer sent while another's copy is checked need not be checked again.
        guard checkedHashes.insert(extrinsic.hash).inserted || source == nil else { return true }
        let id = CheckID(nextID())
        checkedTransactions[id] = CheckedTransaction(
            extrinsic: extrinsic, source: source, signatureCount: signatures.count, basis: basis)
        effects.append(.check(id, signatures))
        return true
    }

    mutating func checked(_ transaction: CheckedTransaction, holds: Bool, tree: BlockTree) {
        let extrinsic = transaction.extrinsic
        checkedHashes.remove(extrinsic.hash)
        guard let state = tree.state(of: tree.best.hash) else { return }
        guard holds else {
            guard let source = transaction.source else {
                return effects.append(.submitted(extrinsic.hash, .badSignature))
            }
            return report(
                source, Self.offence(.badSignature(extrinsic.hash), with: extrinsic, on: state))
        }
        let refusal = pool.insert(extrinsic, state: state, basis: transaction.basis)
        if transaction.source == nil {
            effects.append(
                .submitted(extrinsic.hash, refusal.map { .refused($0) } ?? .accepted))
        }
        if refusal == nil { propagate(extrinsic) }
    }

    /// What a transaction that is badly signed here says of whoever passed it on. Where sets change it
    /// proves nothing: the best chain there may be of a set that has the member or the key. What it
    /// costs to look at them is bounded by the transactions that a peer may send.
    private static func offence(
        _ offence: SyncOffence, with extrinsic: Extrinsic, on state: ChainState
    ) -> SyncOffence {
        state.constants.sessionLength > 0 ? .foreignTransaction(extrinsic.hash) : offence
    }

    /// Sends a transaction to the peers that are not known to have it.
    private mutating func propagate(_ extrinsic: Extrinsic) {
        let recipients = peers.handles.filter { handle in
            peers.update(handle) { $0.knownTransactions.insert(extrinsic.hash) } ?? false
        }
        guard !recipients.isEmpty else { return }
        effects.append(
            .sendTransactions(recipients, TransactionsMessage([extrinsic]).scaleBytes))
    }
}
