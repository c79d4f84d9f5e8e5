package import BlockSync
package import Chain
package import Coherence
package import Primitives
internal import SCALE
package import Validator
package import VoteGossip

/// What a node's disk holds: the chain's part and the sign log's part, as two files that are
/// committed one after the other.
package struct DiskImage: Sendable {
    private let genesis: Block
    private var stateOfFinalised: ChainState

    // The chain's file.
    private var blocks: [Hash256: Block] = [:]
    /// Blocks above the finalised one, parents before their children.
    private var unfinalised: [Hash256] = []
    /// By height; genesis first.
    private var finalisedHashes: [Hash256]
    /// The validator sets that the finalised chain has had, by id.
    private(set) var sets: [ValidatorSet]
    private var certificates: [FinalityCertificate] = []
    private var newestCertificates: [SetID: FinalityCertificate] = [:]
    package private(set) var evidence: [DoubleVote] = []
    /// Alarms stand in both files.
    private var alarms: [SetID: SafetyAlarm] = [:]

    // The sign log's file.
    private var signedTargets: [VoteSlot: VoteTarget] = [:]
    /// Of the two highest rounds, of the newest set, that have any.
    private var recentVotes: [SignRecord] = []
    private var locks: [SetID: Lock] = [:]
    private var highestQuorums: [SetID: QuorumCertificate] = [:]
    private var halts: [SetID: SafetyAlarm] = [:]
    /// The newest slot of an own block.
    package private(set) var authoredSlot: SlotNumber?

    package init(genesisHeader: Header, state: ChainState) {
        genesis = Block(header: genesisHeader, extrinsics: [])
        stateOfFinalised = state
        finalisedHashes = [genesisHeader.hash]
        sets = [state.setInForce]
    }

    /// The newest finalised block.
    package var finalised: BlockRef {
        let number = BlockNumber(UInt32(finalisedHashes.count - 1))
        return BlockRef(hash: finalisedHashes[finalisedHashes.count - 1], number: number)
    }

    /// The set that goes on after a restart.
    package var setInForce: ValidatorSet { stateOfFinalised.setInForce }

    /// The lock in that set.
    package var lock: Lock? { locks[setInForce.id] }

    /// What was signed in a slot.
    package func signedTarget(in slot: VoteSlot) -> VoteTarget? { signedTargets[slot] }

    // MARK: Writing

    /// Applies the records that belong to the chain's file.
    package mutating func applyChain(_ records: [StoredRecord]) throws(DiskFault) {
        for record in records {
            switch record {
            case .block(let block): insert(block)
            case .finalised(let refs, let pruned): try finalise(refs, pruned: pruned)
            case .voting(.certificate(let certificate)):
                newestCertificates[certificate.setID] = certificate
                insert(certificate)
            case .voting(.evidence(let proof)): evidence.append(proof)
            case .voting(.halt(let set, let alarm)):
                if alarms[set] == nil { alarms[set] = alarm }
            case .voting, .authored: break
            }
        }
    }

    /// Applies the records that belong to the sign log.
    package mutating func applySignLog(_ records: [StoredRecord]) throws(DiskFault) {
        for record in records {
            switch record {
            case .voting(.vote(let vote)): try insert(vote)
            case .voting(.lock(let set, let lock)): locks[set] = lock
            case .voting(.highestQuorumCertificate(let quorum)):
                highestQuorums[quorum.setID] = quorum
            case .voting(.halt(let set, let alarm)):
                if halts[set] == nil { halts[set] = alarm }
            case .authored(let slot, _): authoredSlot = slot
            case .voting, .block, .finalised: break
            }
        }
    }

    private mutating func insert(_ block: Block) {
        guard blocks.updateValue(block, forKey: block.hash) == nil else { return }
        unfinalised.append(block.hash)
    }

    private mutating func insert(_ certificate: FinalityCertificate) {
        let place =
            certificates.lastIndex { $0.target.number < certificate.target.number }
            .map { $0 + 1 } ?? 0
        if place < certificates.count, certificates[place].target == certificate.target {
            certificates[place] = certificate
        } else {
            certificates.insert(certificate, at: place)
        }
    }

    private mutating func finalise(
        _ refs: [BlockRef], pruned: [Hash256]
    ) throws(DiskFault) {
        for ref in refs {
            guard let block = blocks[ref.hash] else { throw .finalisedBlockMissing(ref) }
            guard block.header.parentHash == finalised.hash else { throw .finalityBroken(ref) }
            do {
                try stateOfFinalised.apply(
                    block.extrinsics, at: block.number, evidence: evidenceRules)
            } catch {
                throw .unexecutable(ref)
            }
            finalisedHashes.append(ref.hash)
            if let newest = sets.last, setInForce.id > newest.id { sets.append(setInForce) }
        }
        for hash in pruned { blocks[hash] = nil }
        let final = refs.map(\.hash)
        unfinalised.removeAll { blocks[$0] == nil || final.contains($0) }
    }

    private var evidenceRules: EvidenceRules { .doubleVotes(genesisHash: genesis.hash) }

    private mutating func insert(_ record: SignRecord) throws(DiskFault) {
        if let earlier = signedTargets.updateValue(record.target, forKey: record.slot),
            earlier != record.target
        {
            throw .slotSignedTwice(record.slot, earlier, record.target)
        }
        recentVotes.append(record)
        let newestSet = recentVotes.map(\.slot.setID).max()
        recentVotes.removeAll { $0.slot.setID != newestSet }
        let rounds = recentVotes.map(\.slot.round)
        let newest = rounds.max() ?? record.slot.round
        let second = rounds.filter { $0 < newest }.max() ?? newest
        recentVotes.removeAll { $0.slot.round < second }
    }

    // MARK: Reading

    /// The tree and voting state that a node goes on with.
    package func recover(
        limits: TreeLimits
    ) throws(DiskFault) -> (tree: BlockTree, voting: RecoveredVoting) {
        let block = blocks[finalised.hash] ?? genesis
        var tree = BlockTree(
            finalisedHeader: block.header, state: stateOfFinalised, extrinsics: block.extrinsics,
            limits: limits)
        if let lock { tree.pinned = [lock.block.hash] }
        for hash in unfinalised {
            guard let block = blocks[hash], var state = tree.state(of: block.header.parentHash)
            else { continue }
            do {
                try state.apply(block.extrinsics, at: block.number, evidence: evidenceRules)
            } catch {
                throw .unexecutable(block.ref)
            }
            // What the tree has no room for is fetched again if it is wanted.
            _ = try? tree.insert(block, state: state, waivingSlotLimit: true)
        }
        let set = setInForce.id
        let voting = RecoveredVoting(
            finalised: finalised, certificate: newestCertificates[set], lock: lock,
            highestQuorumCertificate: highestQuorums[set],
            signRecords: recentVotes.filter { $0.slot.setID == set },
            halt: halts[set] ?? alarms[set])
        return (tree, voting)
    }

    /// The stored headers down to those that are known, parents before their children.
    func headers(upTo isKnown: (Hash256) -> Bool) -> [Header] {
        let final = finalisedHashes.reversed().prefix { !isKnown($0) }.reversed()
        return (final + unfinalised).compactMap { blocks[$0]?.header }.filter { !isKnown($0.hash) }
    }

    /// Answers a peer's request for blocks.
    package func blocks(_ query: StoredBlockQuery) -> [StoredBlock] {
        var height: Int
        switch query.start {
        case .number(let number): height = Int(number.rawValue)
        case .hash(let hash):
            guard let block = hash == genesis.hash ? genesis : blocks[hash] else { return [] }
            height = Int(block.number.rawValue)
            guard height < finalisedHashes.count, finalisedHashes[height] == hash else {
                return [StoredBlock(block: block)]
            }
        }
        var found: [StoredBlock] = []
        while height >= 0, height < finalisedHashes.count, found.count < query.maximumCount {
            guard let block = height == 0 ? genesis : blocks[finalisedHashes[height]] else { break }
            let proof = query.includesJustifications ? certificate(for: block.ref) : nil
            found.append(StoredBlock(block: block, justification: proof?.scaleBytes))
            height += query.direction == .ascending ? 1 : -1
        }
        return found
    }

    private func certificate(for block: BlockRef) -> FinalityCertificate? {
        let found = lowestCertificate(atOrAbove: block.number)
        return found?.target.hash == block.hash ? found : nil
    }

    private func lowestCertificate(atOrAbove number: BlockNumber) -> FinalityCertificate? {
        let place = certificates.partitionPoint { $0.target.number < number }
        return place < certificates.count ? certificates[place] : nil
    }

    /// Answers the vote gossip's wish for a certificate.
    package func certificate(_ query: CertificateQuery) -> FinalityCertificate? {
        switch query {
        case .lowest(let number): lowestCertificate(atOrAbove: number)
        case .handOff(let set): newestCertificates[set]
        }
    }
}

/// Records that contradict what the disk holds: the node wrote something wrong.
package enum DiskFault: Error, Sendable, Hashable {
    case finalisedBlockMissing(BlockRef)
    case finalityBroken(BlockRef)
    case unexecutable(BlockRef)
    case slotSignedTwice(VoteSlot, VoteTarget, VoteTarget)
}
