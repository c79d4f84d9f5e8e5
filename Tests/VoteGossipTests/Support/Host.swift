import Chain
import Coherence
import Primitives
import VoteGossip

/// One node of a test: tree, gadget and gossip wired as the real ones are, without disk and with
/// verification and signing at once (or held back by the test).
struct Host {
    let chain: ToyChain
    let local: Int?
    /// Whose signatures the checks take.
    let verifier: any SignatureVerifier
    var tree: BlockTree
    var gadget: CoherenceGadget
    var gossip: VoteGossipMachine
    var now = Instant(nanoseconds: 1_000_000_000_000)
    /// Verifications wait in `heldJobs` until the test runs them.
    var holdsVerification = false
    var heldJobs: [VerificationJob] = []
    /// Reads of certificates that the test answers.
    var loads: [(id: CertificateLoadID, query: CertificateQuery)] = []
    /// The timers that are set.
    var gossipTimers: [(timer: GossipTimer, at: Instant)] = []
    var votingTimers: [(timer: VotingTimer, at: Instant)] = []
    /// Blocks that were asked for, and finalised ones in order.
    var wanted: [BlockRef] = []
    var finalised: [BlockRef] = []
    var alarms: [SafetyAlarm] = []
    /// Evidence that came from peers.
    var evidence: [DoubleVote] = []

    private enum Work {
        case gossip(GossipInput)
        case gadget(CoherenceGadget.Input)
    }

    init(
        _ chain: ToyChain, local: Int? = nil,
        configuration: GossipConfiguration = GossipConfiguration(), startsNow: Bool = true,
        verifier: any SignatureVerifier = ToyScheme()
    ) throws {
        self.chain = chain
        self.local = local
        self.verifier = verifier
        tree = chain.tree
        gadget = try CoherenceGadget(
            configuration: .init(), domain: chain.domain,
            local: local.map { ValidatorIndex(UInt16($0)) },
            recovered: RecoveredVoting(finalised: chain.genesis.ref), verifier: ToyScheme())
        gossip = VoteGossipMachine(configuration: configuration, domain: chain.domain)
        guard startsNow else { return }
        _ = run(.gadget(.measurement(QuantumMeasurement(judging: ToyChain.state))))
        _ = run(.gadget(.start))
    }

    var view: VotingView { gadget.view(tree: tree) }

    // MARK: Inputs; each answers with what the gossip wants done

    mutating func handle(_ input: GossipInput) -> [GossipEffect] { run(.gossip(input)) }

    mutating func tellGadget(_ input: CoherenceGadget.Input) -> [GossipEffect] {
        run(.gadget(input))
    }

    mutating func add(_ block: Block) throws -> [GossipEffect] {
        _ = try tree.insert(block, state: chain.genesisState)
        let effects = run(.gadget(.blockImported(block.header.ref)))
        return effects + run(.gossip(.blockImported(block.header.ref)))
    }

    /// Runs the verifications that are held back.
    mutating func verifyHeld() -> [GossipEffect] {
        let jobs = heldJobs
        heldJobs = []
        return handle(.verified(Self.outcomes(of: jobs, using: verifier)))
    }

    static func outcomes(
        of jobs: [VerificationJob], using verifier: some SignatureVerifier = ToyScheme()
    ) -> [VerificationOutcome] {
        jobs.map { VerificationOutcome(id: $0.id, result: $0.run(using: verifier)) }
    }

    /// When the next timer fires.
    var nextDeadline: Instant? {
        (gossipTimers.map(\.at) + votingTimers.map(\.at)).min()
    }

    /// Lets time pass, firing timers as they come due.
    mutating func advance(_ duration: Duration) -> [GossipEffect] {
        let end = now + duration
        var effects: [GossipEffect] = []
        while let next = nextDeadline, next <= end {
            now = max(now, next)
            effects += fireDue()
        }
        now = end
        return effects
    }

    /// Fires the timers that are due, once each.
    mutating func fireDue() -> [GossipEffect] {
        var effects: [GossipEffect] = []
        let due = gossipTimers.filter { $0.at <= now }
        gossipTimers.removeAll { $0.at <= now }
        for entry in due { effects += run(.gossip(.timer(entry.timer))) }
        let dueVoting = votingTimers.filter { $0.at <= now }
        votingTimers.removeAll { $0.at <= now }
        for entry in dueVoting { effects += run(.gadget(.timer(entry.timer))) }
        return effects
    }

    // MARK: Wiring

    private mutating func run(_ first: Work) -> [GossipEffect] {
        var queue = [first]
        var all: [GossipEffect] = []
        while !queue.isEmpty {
            switch queue.removeFirst() {
            case .gossip(let input):
                let effects = gossip.handle(input, view: view, tree: tree, now: now)
                all += effects
                for effect in effects { queue += carryOut(effect) }
            case .gadget(let input):
                for effect in gadget.handle(input, tree: tree, now: now) {
                    queue += carryOut(effect)
                }
            }
        }
        return all
    }

    private mutating func carryOut(_ effect: GossipEffect) -> [Work] {
        switch effect {
        case .verify(let jobs):
            if holdsVerification {
                heldJobs += jobs
                return []
            }
            return [.gossip(.verified(Self.outcomes(of: jobs, using: verifier)))]
        case .deliver(let vote): return [.gadget(.vote(vote))]
        case .deliverQuorumCertificate(let certificate):
            return [.gadget(.quorumCertificate(certificate))]
        case .deliverCertificate(let certificate): return [.gadget(.certificate(certificate))]
        case .deliverEvidence(let proof): evidence.append(proof.evidence)
        case .wantBlock(let block, _): wanted.append(block)
        case .loadCertificate(let id, let query): loads.append((id, query))
        case .setTimer(let timer, let at):
            gossipTimers.removeAll { $0.timer == timer }
            gossipTimers.append((timer, at))
        case .send, .publish, .judged, .punish, .ban, .disconnect, .handshakeChanged, .note: break
        }
        return []
    }

    private mutating func carryOut(_ effect: CoherenceGadget.Effect) -> [Work] {
        switch effect {
        case .sign(let unsigned):
            let signature = ToyScheme.sign(
                unsigned.signedBytes, by: Int(unsigned.slot.validator.rawValue), in: chain.set)
            return [.gadget(.signed(unsigned.slot, signature))]
        case .broadcast(let vote): return [.gossip(.ownVote(vote))]
        case .broadcastQuorumCertificate(let certificate):
            return [.gossip(.quorumCertificate(certificate))]
        case .finalised(let certificate, let block):
            _ = tree.finalise(block.hash)
            finalised.append(block)
            return [.gossip(.finalised(certificate))]
        case .wantBlock(let block): wanted.append(block)
        case .setTimer(let timer, let at):
            votingTimers.removeAll { $0.timer == timer }
            votingTimers.append((timer, at))
        case .cancelTimer(let timer): votingTimers.removeAll { $0.timer == timer }
        case .roundEntered(let round): return [.gossip(.roundEntered(round))]
        case .alarm(let alarm): alarms.append(alarm)
        case .doubleVote(let proof): return [.gossip(.doubleVote(proof))]
        case .persist, .note: break
        }
        return []
    }
}
