internal import BlockSync
internal import Chain
internal import Coherence
internal import Primitives
internal import Validator

// Validator sets that change: one wish at a time, asked of the chain again until it is so. What the
// quorum could not bear is not wished for.
extension Simulator {
    /// The set that was activated last, anywhere.
    var newestSet: ValidatorSet { domains[domains.count - 1].set }

    /// The domain of a set that was activated.
    func domain(of set: SetID) -> VotingDomain? {
        set.rawValue < UInt64(domains.count) ? domains[Int(set.rawValue)] : nil
    }

    // MARK: Wishes

    /// Asks for what is wished for, or wishes for something else, and again after a while.
    mutating func changeSet() {
        heap.push(.setChange, at: now + changeRandom.duration(world.changePause))
        guard phase == .faults else { return }
        if plannedChange?.isDone(in: newestSet) ?? true {
            plannedChange = drawChange(in: newestSet)
            if let plannedChange { note(.fault("wanted: \(plannedChange)")) }
        }
        if let plannedChange { request(plannedChange) }
    }

    private mutating func drawChange(in set: ValidatorSet) -> PlannedChange? {
        let change = attackersChange(in: set) ?? drawHonestChange(in: set)
        guard let change, isBorne(change.members(after: set), insteadOf: set) else { return nil }
        guard case .rotation(let node, _) = change else { return change }
        return .rotation(of: node, to: newKey(for: node))
    }

    private mutating func drawHonestChange(in set: ValidatorSet) -> PlannedChange? {
        let members = honest.filter { nodes[$0].index(in: set) != nil }
        switch changeRandom.draw(0...6) {
        case 0, 1, 2:
            let some = members.filter { nodes[$0].isUp && nodes[$0].keys.count < HeldKeys.limit }
            return changeRandom.pick(some).map { .rotation(of: $0, to: nodes[$0].keys[0]) }
        case 3, 4:
            // Who was a member once does not come back.
            let reserve = nodes.indices.filter {
                nodes[$0].number >= options.nodeCount && !nodes[$0].keys.isEmpty
                    && !wasMember($0)
            }
            return changeRandom.pick(reserve).flatMap { node in
                ValidatorIdentity(
                    account: nodes[node].account, falconPublicKey: nodes[node].keys[0].publicKey
                ).map { .joining(node, $0) }
            }
        case 5: return changeRandom.pick(members).map { .leaving($0, nodes[$0].account) }
        default: return changeRandom.pick(set.validators).map { .removal($0.account) }
        }
    }

    private func wasMember(_ node: Int) -> Bool {
        domains.contains { $0.set.index(of: nodes[node].account) != nil }
    }

    /// What attackers of hand-offs need for their attack.
    private func attackersChange(in set: ValidatorSet) -> PlannedChange? {
        for (place, node) in nodes.enumerated() where node.index(in: set) != nil {
            switch node.attacker {
            case is Departed: return .leaving(place, node.account)
            case is RetiredKey where node.keys.count == 1:
                return .rotation(of: place, to: node.keys[0])
            default: break
            }
        }
        return nil
    }

    /// Whether the members after a change are no worse off with the attackers among them.
    private func isBorne(_ members: [AccountID], insteadOf set: ValidatorSet) -> Bool {
        let attackers = attackerAccounts
        let faulty = members.count { attackers.contains($0) }
        guard members.count != set.count else { return true }
        let borne = min(
            (members.count - 1) / 3,
            constants.policy.toleratedEquivocators(validatorCount: members.count))
        return members.count >= min(3, options.nodeCount) && faulty <= borne
            && faulty + constants.policy.threshold(validatorCount: members.count) <= members.count
    }

    /// Makes another key for a node, for the sets to come.
    mutating func newKey(for node: Int) -> HeldKey {
        newKeyCount += 1
        let set = nodes[node].core?.core.domain.set.id ?? newestSet.id
        let key = HeldKey(
            account: nodes[node].account,
            publicKey: KeyedHashScheme.publicKey(of: 1_000 + newKeyCount),
            firstSet: SetID(set.rawValue + 1))
        nodes[node].add(key)
        give(.keyAdded(key), to: node)
        return key
    }

    // MARK: Extrinsics

    /// Has everybody whom it takes ask the chain for a change.
    mutating func request(_ change: PlannedChange) {
        let genesisHash = domain.genesisHash
        switch change {
        case .rotation(let node, let key):
            guard isWanted(change, by: node) else { return }
            let proof = KeyedHashScheme.sign(
                Extrinsic.keyProofBytes(
                    genesisHash: genesisHash, account: nodes[node].account,
                    newKey: key.publicKey),
                key: key.publicKey, nonce: changeRandom.next())
            give(.call(.rotateKey(newKey: key.publicKey, proof: proof)), to: node)
        case .joining(_, let identity):
            let proof = KeyedHashScheme.sign(
                Extrinsic.keyProofBytes(
                    genesisHash: genesisHash, account: identity.account,
                    newKey: identity.falconPublicKey),
                key: identity.falconPublicKey, nonce: changeRandom.next())
            nominate(.nominateAddition(identity, proof: proof), for: change)
        case .leaving(let node, _): if isWanted(change, by: node) { submit(.leave, at: node) }
        case .removal(let account): nominate(.nominateRemoval(account), for: change)
        }
    }

    /// Every honest member that has not nominated does.
    private mutating func nominate(_ call: Extrinsic.Call, for change: PlannedChange) {
        for node in honest where nodes[node].index(in: newestSet) != nil {
            if isWanted(change, by: node) { submit(call, at: node) }
        }
    }

    /// Whether a node's best chain lacks a change, and the node's part in it.
    private func isWanted(_ change: PlannedChange, by node: Int) -> Bool {
        guard let core = nodes[node].core?.core,
            let state = core.tree.state(of: core.tree.best.hash)
        else { return false }
        return !change.isDone(in: state.pendingSet ?? state.activeSet)
            && !state.nominations.contains { $0.member == nodes[node].account }
    }

    /// Hands a call in at a node, signed by its account, if that is a member.
    mutating func submit(_ call: Extrinsic.Call, at node: Int) {
        guard let core = nodes[node].core?.core,
            let state = core.tree.state(of: core.tree.best.hash),
            let key = nodes[node].key(in: state.setInForce)
        else { return }
        let signer = nodes[node].account
        let nonce = core.sync.pool.nextNonce(of: signer, state: state)
        let message = Extrinsic.signingBytes(
            call: call, signer: signer, nonce: nonce, genesisHash: domain.genesisHash)
        let signature = KeyedHashScheme.sign(message, key: key, nonce: workRandom.next())
        guard
            let extrinsic = Extrinsic(
                call: call, signer: signer, nonce: nonce, signature: signature)
        else { return }
        give(.submit(extrinsic), to: node)
    }

    // MARK: Who can be done without

    /// Honest members without whom every set that may vote by now has a quorum: the newest one, the
    /// one before, and the one that is wished for.
    mutating func drawSparedMembers() -> [Int] {
        guard faultRandom.chance(permille: 500) else { return [] }
        var sets = domains.suffix(2).map { $0.set.validators.map(\.account) }
        if let plannedChange { sets.append(plannedChange.members(after: newestSet)) }
        var some: [Int] = []
        for node in honest.shuffled(using: &faultRandom)
        where nodes[node].index(in: newestSet) != nil {
            if sets.allSatisfy({ hasQuorum($0, without: some + [node]) }) { some.append(node) }
        }
        return some.sorted()
    }

    private func hasQuorum(_ members: [AccountID], without some: [Int]) -> Bool {
        let count = honest.count { !some.contains($0) && members.contains(nodes[$0].account) }
        return count >= constants.policy.threshold(validatorCount: members.count)
    }
}
