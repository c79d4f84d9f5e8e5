import Chain
import Coherence
import ModelCheck
import Primitives

/// A real gadget with its tree, its disk and what it wants done.
struct GadgetNode {
    let index: Int
    let rules: VotingRules
    var gadget: CoherenceGadget
    var tree: BlockTree
    var disk: RecoveredVoting
    /// The blocks of the model that were imported, in that order; they survive.
    var imported: [Int] = []
    var effects: [CoherenceGadget.Effect] = []
    var unsigned: [UnsignedVote] = []
    var timers: [VotingTimer] = []
    var now = Instant(nanoseconds: 1)

    var canCarryOut: Bool { !effects.isEmpty }

    init(_ index: Int, _ tree: ModelTree, _ domain: VotingDomain, _ rules: VotingRules) {
        self.index = index
        self.rules = rules
        self.tree = Self.emptyTree(tree)
        disk = RecoveredVoting(finalised: tree.blocks[0])
        do {
            gadget = try Self.gadget(index, domain, disk, rules)
        } catch {
            preconditionFailure("an empty disk is in order: \(error)")
        }
    }

    private static func gadget(
        _ index: Int, _ domain: VotingDomain, _ disk: RecoveredVoting, _ rules: VotingRules
    ) throws(RecoveryError) -> CoherenceGadget {
        try CoherenceGadget(
            configuration: .init(), domain: domain, local: ValidatorIndex(UInt16(index)),
            recovered: disk, verifier: NoSignatures(), rules: rules)
    }

    /// Genesis alone.
    private static func emptyTree(_ tree: ModelTree) -> BlockTree {
        guard let header = tree.trees[0].header(tree.blocks[0].hash),
            let state = tree.trees[0].state(of: tree.blocks[0].hash)
        else { preconditionFailure("genesis is in its tree") }
        return BlockTree(finalisedHeader: header, state: state)
    }

    mutating func store(_ record: VotingRecord) {
        switch record {
        case .vote(let vote): disk.signRecords.append(vote)
        case .lock(_, let lock): disk.lock = lock
        case .highestQuorumCertificate(let quorum): disk.highestQuorumCertificate = quorum
        case .certificate(let certificate): disk.certificate = certificate
        case .evidence: break
        case .halt(_, let alarm): disk.halt = alarm
        }
    }

    /// A crash: what was not carried out is lost, what is on disk stays.
    mutating func restart(_ model: ModelTree, _ domain: VotingDomain) throws(RecoveryError) {
        (effects, unsigned, timers) = ([], [], [])
        tree = Self.emptyTree(model)
        for block in imported {
            let hash = model.blocks[block].hash
            guard let whole = model.trees[0].block(hash),
                let state = model.trees[0].state(of: hash)
            else { continue }
            do {
                _ = try tree.insert(whole, state: state, waivingSlotLimit: true)
            } catch {
                preconditionFailure("blocks were imported in their order: \(error)")
            }
        }
        _ = tree.finalise(disk.finalised.hash)
        gadget = try Self.gadget(index, domain, disk, rules)
    }
}
