import Chain
import Coherence
import Primitives

/// What is durable of one validator's voting: applies records, gives them back after a restart.
struct Disk: Sendable {
    private(set) var recovered: RecoveredVoting
    private(set) var evidence: [DoubleVote] = []

    init(finalised: BlockRef) { recovered = RecoveredVoting(finalised: finalised) }

    mutating func store(_ record: VotingRecord) {
        switch record {
        case .vote(let vote):
            recovered.signRecords.append(vote)
            // Like the store of the node: the two highest rounds are enough.
            let rounds = recovered.signRecords.map(\.slot.round)
            let kept = Array(Set(rounds)).sorted().suffix(2)
            recovered.signRecords.removeAll { !kept.contains($0.slot.round) }
        case .lock(_, let lock): recovered.lock = lock
        case .highestQuorumCertificate(let quorum):
            recovered.highestQuorumCertificate = quorum
        case .certificate(let certificate): recovered.certificate = certificate
        case .evidence(let pair): evidence.append(pair)
        case .halt(_, let alarm): recovered.halt = alarm
        }
    }

    mutating func finalise(_ block: BlockRef) { recovered.finalised = block }
}
