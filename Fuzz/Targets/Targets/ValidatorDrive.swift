import BlockSync
import Chain
import Coherence
import Primitives
import SCALE
import Validator
import VoteGossip

/// A validator's core and the shell around it: effects are carried out at once, checks of
/// signatures too unless they are held back, and nothing is ever stored.
struct ValidatorDrive {
    private let chain: SampleChain
    private var core: ValidatorCore
    private var now = Instant(nanoseconds: 1_000_000_000_000)
    private var timers: [(id: ValidatorCore.TimerID, at: Instant)] = []
    private var requests: [RequestID] = []
    private var reads: [ReadID] = []
    private var loads: [CertificateLoadID] = []
    private var heldJobs: [VerificationJob] = []
    private var holdsChecks = false
    private var nextRequest: UInt64 = 0
    private var slot: UInt64 = 7
    private var opened: Set<PeerHandle> = []
    private var nextTopicMessage: UInt64 = 0
    /// Messages of the topic that were not judged yet.
    private var openTopicMessages: Set<TopicMessageID> = []
    /// Whether the core took anything from a peer.
    private(set) var isUsed = false

    /// Effects of one input; forwarding to a few peers makes a few for each message.
    private static let effectLimit = 4_096

    init() throws(FuzzFinding) {
        do {
            chain = try SampleChain.shared()
            let domain = chain.domain
            var gossip = GossipConfiguration()
            gossip.paths = .both
            core = try ValidatorCore(
                configuration: ValidatorCore.Configuration(
                    genesisHash: domain.genesisHash,
                    keys: [HeldKey(domain.set.validators[3])], producesBlocks: true,
                    voting: CoherenceGadget.Configuration(timings: chain.constants.votingTimings),
                    gossip: gossip,
                    sync: SyncConfiguration(genesisHash: domain.genesisHash, roles: .authority)),
                tree: chain.tree, recovered: RecoveredVoting(finalised: chain.genesis.ref),
                currentSlot: SlotNumber(slot), verifier: LenientVerifier())
        } catch {
            throw FuzzFinding("no validator: \(error)")
        }
        try tell(.measurement(QuantumMeasurement(judging: SampleChain.measured)))
        try tell(.start)
    }

    mutating func perform(_ step: Script.Step) throws(FuzzFinding) {
        let operations = ValidatorTargets.Operation.allCases
        let operation = operations[Int(step.operation) % operations.count]
        let peer = PeerHandle(UInt64(step.operand % 4))
        switch operation {
        case .votes: try tell(.notification(.votes, peer, step.payload))
        case .blocks: try tell(.notification(.blocks, peer, step.payload))
        case .transactions: try tell(.notification(.transactions, peer, step.payload))
        case .openVotes: try open(.votes, peer, step)
        case .openBlocks: try open(.blocks, peer, step)
        case .closeVotes: try tell(.streamClosed(.votes, peer))
        case .closeBlocks: try tell(.streamClosed(.blocks, peer))
        case .request:
            nextRequest += 1
            try tell(.request(InboundRequestID(nextRequest), peer, step.payload))
        case .respond, .refuse:
            guard !requests.isEmpty else { return }
            let id = requests.remove(at: Int(step.operand) % requests.count)
            let isAnswer = operation == .respond
            try tell(.response(id, isAnswer ? .success(step.payload) : .failure(.refused)))
        case .wait: try wait(.milliseconds(Int64(step.operand) * 50))
        case .slot:
            slot += UInt64(step.operand % 4)
            try tell(.slotStarted(SlotNumber(slot)))
        case .readBlocks:
            guard !reads.isEmpty else { return }
            try tell(.blocksRead(reads.removeFirst(), []))
        case .loadCertificate:
            guard !loads.isEmpty else { return }
            try tell(.certificateLoaded(loads.removeFirst(), nil))
        case .holdChecks: try holdOrRelease()
        case .topic: try bringTopicMessage(step, from: peer)
        }
        try requireBounds()
    }

    /// Of an own word, of another peer's, or of a stranger's.
    private mutating func bringTopicMessage(
        _ step: Script.Step, from peer: PeerHandle
    ) throws(FuzzFinding) {
        nextTopicMessage += 1
        let id = TopicMessageID(nextTopicMessage.scaleBytes)
        openTopicMessages.insert(id)
        let author: PeerHandle? =
            switch step.operand / 4 % 3 {
            case 0: peer
            case 1: PeerHandle(UInt64(step.operand / 16 % 4))
            default: nil
            }
        try tell(
            .topicMessage(
                TopicMessage(id: id, bytes: step.payload, source: peer, author: author)))
    }

    private mutating func open(
        _ channel: Channel, _ peer: PeerHandle, _ step: Script.Step
    ) throws(FuzzFinding) {
        let hints = PeerHints(isReserved: step.operand & 0x40 != 0)
        try tell(.streamOpened(channel, peer, handshake: step.payload, hints))
    }

    private mutating func holdOrRelease() throws(FuzzFinding) {
        holdsChecks.toggle()
        let jobs = heldJobs
        heldJobs = []
        if !jobs.isEmpty { try tell(.verified(Self.outcomes(of: jobs))) }
    }

    private mutating func wait(_ duration: Duration) throws(FuzzFinding) {
        let end = now + duration
        for _ in 0..<256 {
            guard let next = timers.indices.min(by: { timers[$0].at < timers[$1].at }),
                timers[next].at <= end
            else { break }
            let timer = timers.remove(at: next)
            now = max(now, timer.at)
            try tell(.timer(timer.id))
        }
        now = max(now, end)
    }

    private static func outcomes(of jobs: [VerificationJob]) -> [VerificationOutcome] {
        jobs.map { VerificationOutcome(id: $0.id, result: $0.run(using: LenientVerifier())) }
    }

    // MARK: Effects

    private mutating func tell(_ first: ValidatorCore.Input) throws(FuzzFinding) {
        var inputs = [first]
        var count = 0
        while !inputs.isEmpty {
            let effects = core.handle(inputs.removeFirst(), now: now)
            count += effects.count
            try Properties.require(count <= Self.effectLimit, "\(count) effects of one input")
            for effect in effects { try carryOut(effect, &inputs) }
        }
    }

    private mutating func carryOut(
        _ effect: ValidatorCore.Effect, _ inputs: inout [ValidatorCore.Input]
    ) throws(FuzzFinding) {
        switch effect {
        case .signVote(let vote, _): inputs.append(.voteSigned(vote.slot, LenientVerifier.good))
        case .signSeal(let slot, _, _): inputs.append(.sealSigned(slot, LenientVerifier.good))
        case .signExtrinsic: inputs.append(.extrinsicSigned(LenientVerifier.good))
        case .check(let id, let checks):
            isUsed = true
            inputs.append(.checked(id, checks.map { $0.run(using: LenientVerifier()) }))
        case .verify(let jobs):
            isUsed = true
            if holdsChecks {
                heldJobs += jobs
            } else {
                inputs.append(.verified(Self.outcomes(of: jobs)))
            }
        case .readBlocks(let id, _): reads.append(id)
        case .loadCertificate(let id, _): loads.append(id)
        case .setTimer(let id, let at):
            timers.removeAll { $0.id == id }
            timers.append((id, at))
        case .cancelTimer(let id): timers.removeAll { $0.id == id }
        case .send(let channel, let peers, let message):
            let limit = channel == .votes ? GossipMessageKind.largestByteCount : 1 << 20
            try Properties.require(
                !peers.isEmpty && message.bytes.count <= limit,
                "\(message.bytes.count) bytes to \(peers.count) peers")
            guard channel == .votes else { return }
            let isReadable = (try? GossipMessage.decode(message.bytes)) != nil
            try Properties.require(isReadable, "an own message is none")
        case .request(let id, _, let bytes):
            try Properties.require(
                (try? BlockRequest(decoding: bytes)) != nil, "an own request is none")
            requests.append(id)
        // An answer may come all the same.
        case .abandon: break
        case .publish(let bytes):
            let isReadable = (try? GossipMessage.decode(bytes)) != nil
            try Properties.require(isReadable, "a published message is none")
        case .judged(let id, _):
            try Properties.require(
                openTopicMessages.remove(id) != nil, "a message is judged that does not wait")
        case .persist, .stage, .respond, .handshakeChanged, .ban, .disconnect, .hangUp, .submitted,
            .event:
            break
        }
    }

    // MARK: Bounds

    private func requireBounds() throws(FuzzFinding) {
        let gauges = core.gossip.gauges
        try Properties.require(
            gauges.heldByteCount <= gauges.byteBudget && gauges.peerCount <= 4
                && (gauges.verifyingCount > 0 || gauges.chargedCount == 0)
                && gauges.parkedCount <= 4 * chain.set.count, "\(gauges)")
        let load = core.sync.load
        let limits = core.sync.configuration
        try Properties.require(
            load.peers <= 4 && load.requests <= 4 && load.targets <= limits.maximumTargetCount
                && load.parked <= limits.maximumParkedCount
                && load.collectedByteCount <= limits.maximumCollectedByteCount
                && load.served <= limits.maximumServedCount
                && load.checkedTransactions <= limits.maximumCheckedTransactionCount
                && load.windows <= limits.maximumWindowCount, "\(load)")
    }
}
