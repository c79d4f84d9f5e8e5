internal import Chain
internal import Coherence
internal import Primitives
internal import Validator
internal import VoteGossip

// Hand-offs: what is known of sets, checked, and disturbed.
extension Simulator {
    // MARK: Sets

    /// A node has activated a set.
    mutating func learn(_ set: ValidatorSet, _ node: Int) {
        if let known = domain(of: set.id) {
            guard known.set.hash != set.hash else { return }
            return fail(.setsDiffer(node: node, set.id, known.set.hash, set.hash))
        }
        guard set.id.rawValue == UInt64(domains.count) else {
            return fail(.handOffUnproven(node: node, set.id, "the set before was never active"))
        }
        domains.append(VotingDomain(genesisHash: domain.genesisHash, set: set))
        history.begin(set)
        roundsHeard = [:]
    }

    /// What an input made of the sets. The core is in a set from here on, people hear of it later.
    mutating func learnSets(from effects: [ValidatorCore.Effect], _ node: Int) {
        for case .event(.setActivated(let set, _)) in effects { learn(set, node) }
    }

    /// A crash between the two files of a commit may leave a hand-off's certificate with an own
    /// precommit that the sign log lacks. The set is over, so that nobody writes it down any more.
    mutating func rememberHandOff(_ node: Int) {
        let over = domains.prefix(Int(nodes[node].toldSet.rawValue)).last
        guard let over, let own = nodes[node].index(in: over.set),
            let certificate = nodes[node].disk.durable.certificate(.handOff(of: over.set.id)),
            certificate.precommits.contains(where: { $0.validator == own })
        else { return }
        let slot = VoteSlot(
            setID: over.set.id, round: certificate.round, phase: .precommit, validator: own)
        remember(slot, certificate.target, node)
    }

    // MARK: Checks

    /// A set is activated by a certificate of the one before for a block that announces it.
    mutating func checkHandOff(
        to set: ValidatorSet, by certificate: VerifiedCertificate, _ node: Int
    ) {
        if let fault = fault(in: certificate.certificate, to: set) {
            fail(.handOffUnproven(node: node, set.id, fault))
        }
    }

    /// Whoever trusts the first set only can follow all hand-offs on a node's disk.
    mutating func checkHandOffs(of node: Int) {
        let disk = nodes[node].disk.durable
        for set in disk.sets.dropFirst() {
            let certificate = disk.certificate(.handOff(of: SetID(set.id.rawValue - 1)))
            guard let fault = certificate.map({ fault(in: $0, to: set) }) ?? "no certificate" else {
                continue
            }
            return fail(.handOffUnproven(node: node, set.id, fault))
        }
    }

    /// What is wrong with a certificate that is to hand over to a set; nil when it does.
    private func fault(in certificate: FinalityCertificate, to set: ValidatorSet) -> String? {
        guard set.id.rawValue > 0, let before = domain(of: SetID(set.id.rawValue - 1)) else {
            return "the set before was never active"
        }
        do {
            _ = try certificate.verify(
                set: before.set, genesisHash: before.genesisHash, verifier: verifier)
        } catch {
            return "\(error)"
        }
        let handOff = history.handOff(of: certificate.target.hash)
        return handOff == HandOff(set) ? nil : "\(certificate.target) announces another set"
    }

    // MARK: Faults

    /// The power may fail anywhere in the commit of a hand-off, or shortly after.
    mutating func mayFail(during records: [StoredRecord], _ node: Int) {
        guard phase == .faults, world.handOffCrashPermille > 0,
            records.contains(where: isOfHandOff),
            changeRandom.chance(permille: world.handOffCrashPermille)
        else { return }
        let delay = changeRandom.duration(.zero...nodeConditions.commit.upperBound * 2)
        heap.push(.crash(node: node, life: nodes[node].life), at: now + delay)
    }

    private func isOfHandOff(_ record: StoredRecord) -> Bool {
        guard case .voting(.certificate(let certificate)) = record else { return false }
        return history.handOff(of: certificate.target.hash) != nil
    }

    mutating func failInHandOff(_ node: Int) {
        guard phase == .faults else { return }
        note(.fault("n\(node) fails in a hand-off"))
        statistics.handOffCrashCount += 1
        crashForAWhile(node, faultRandom.scaledDuration(world.faults.length))
    }

    /// The node that only follows may have to begin anew, with nothing but the genesis block, and has
    /// to come through all sets. On thin lines that would take too long.
    mutating func beginObserverAnew() {
        guard world.observerCount > 0, network.bytesPerSecond.map({ $0 > 500_000 }) ?? true,
            changeRandom.chance(permille: 500)
        else { return }
        let observer = nodes.count - 1
        note(.fault("n\(observer) begins with an empty disk"))
        crash(observer, leaving: .nothing)
        let image = DiskImage(genesisHeader: genesis.header, state: genesis.state)
        nodes[observer].disk = VirtualDisk(image, faults: options.persistence)
        nodes[observer].announced = nil
        restart(observer, after: .milliseconds(100))
    }
}
