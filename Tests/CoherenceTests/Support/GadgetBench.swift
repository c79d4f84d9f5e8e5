import Chain
import Coherence
import Primitives

/// One gadget on a bench: tests give it inputs and read what it does as lines of text, with blocks
/// by their letters. Effects are carried out at once, except that signatures wait for `sign()`.
struct GadgetBench {
    let chain: LetterChain
    let domain: VotingDomain
    let local: Int?
    let rules: VotingRules
    private(set) var gadget: CoherenceGadget
    var tree: BlockTree
    var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var disk: Disk
    private(set) var unsigned: [UnsignedVote] = []
    private(set) var timers: [VotingTimer: Instant] = [:]
    private(set) var notes: [VotingNote] = []
    /// The own votes that were sent.
    private(set) var sent: [VerifiedVote] = []
    private(set) var lastEffects: [CoherenceGadget.Effect] = []
    private(set) var certificate: VerifiedCertificate?
    private var nonce: UInt64 = 100

    /// A started gadget.
    ///
    /// - Parameter known: the names of the blocks in the tree.
    init(
        _ chain: LetterChain, validators: Int = 4, local: Int? = 0, known: String = "",
        policy: QuorumPolicy? = nil, rules: VotingRules = .production,
        configuration: CoherenceGadget.Configuration = .init(), abstaining: Bool = false
    ) {
        self.chain = chain
        self.local = local
        self.rules = rules
        domain = Fixture.domain(validators, policy: policy)
        tree = chain.tree(known)
        disk = Disk(finalised: chain.genesis.ref)
        gadget = Self.gadget(domain, local, disk, rules, configuration)
        if !abstaining { handle(.measurement(.usable(Fixture.state))) }
        started = handle(.start)
    }

    /// What it did on starting.
    private(set) var started: [String] = []

    private static func gadget(
        _ domain: VotingDomain, _ local: Int?, _ disk: Disk, _ rules: VotingRules,
        _ configuration: CoherenceGadget.Configuration
    ) -> CoherenceGadget {
        do {
            return try CoherenceGadget(
                configuration: configuration, domain: domain, local: local.map(Fixture.index),
                recovered: disk.recovered, verifier: ToySignatures(), rules: rules)
        } catch {
            fatalError("the bench's disk is intact: \(error)")
        }
    }

    /// A crash and a restart: what is on disk survives, what waits for a signature does not.
    @discardableResult
    mutating func restart() -> [String] {
        unsigned = []
        timers = [:]
        gadget = Self.gadget(domain, local, disk, rules, gadget.configuration)
        handle(.measurement(.usable(Fixture.state)))
        started = handle(.start)
        return started
    }

    var view: VotingView { gadget.view(tree: tree) }

    // MARK: Inputs

    /// Gives an input and returns what is done, notes left out.
    @discardableResult
    mutating func handle(_ input: CoherenceGadget.Input) -> [String] {
        lastEffects = gadget.handle(input, tree: tree, now: now)
        for effect in lastEffects { carryOut(effect) }
        return lastEffects.compactMap(describe)
    }

    private mutating func carryOut(_ effect: CoherenceGadget.Effect) {
        switch effect {
        case .sign(let vote): unsigned.append(vote)
        case .persist(let record): disk.store(record)
        case .finalised(let certificate, let block):
            self.certificate = certificate
            _ = tree.finalise(block.hash)
            disk.finalise(block)
        case .setTimer(let timer, let deadline): timers[timer] = deadline
        case .cancelTimer(let timer): timers[timer] = nil
        case .note(let note): notes.append(note)
        case .broadcast(let vote): sent.append(vote)
        case .broadcastQuorumCertificate, .wantBlock, .roundEntered, .doubleVote,
            .alarm:
            break
        }
    }

    /// Imports blocks, parents first.
    @discardableResult
    mutating func imports(_ names: String) -> [String] {
        names.split(separator: " ").flatMap { name in
            chain.insert(String(name), into: &tree)
            return handle(.blockImported(chain.ref(String(name))))
        }
    }

    /// Delivers votes of other validators.
    @discardableResult
    mutating func receives(
        _ phase: VotePhase, round: UInt64, _ name: String, from validators: Int...,
        nonce: UInt64 = 0
    ) -> [String] {
        validators.flatMap { validator in
            handle(
                .vote(
                    Fixture.verified(
                        domain, validator, round: round, phase, chain.target(name), nonce: nonce)))
        }
    }

    func quorum(round: UInt64, _ name: String, from validators: [Int])
        -> VerifiedQuorumCertificate
    {
        let quorum = Fixture.quorumCertificate(
            domain, validators, round: round, chain.target(name))
        do {
            return try quorum.verify(in: domain, using: ToySignatures())
        } catch {
            fatalError("fixture certificates are valid: \(error)")
        }
    }

    func finality(round: UInt64, _ name: String, from validators: [Int]) -> VerifiedCertificate {
        do {
            return try Fixture.certificate(domain, validators, round: round, chain.target(name))
                .verify(
                    set: domain.set, genesisHash: domain.genesisHash, verifier: ToySignatures())
        } catch {
            fatalError("fixture certificates are valid: \(error)")
        }
    }

    @discardableResult
    mutating func receivesQuorum(round: UInt64, _ name: String, from validators: Int...)
        -> [String]
    {
        handle(.quorumCertificate(quorum(round: round, name, from: validators)))
    }

    @discardableResult
    mutating func receivesCertificate(round: UInt64, _ name: String, from validators: Int...)
        -> [String]
    {
        handle(.certificate(finality(round: round, name, from: validators)))
    }

    /// Answers the signing requests that wait, in order.
    @discardableResult
    mutating func sign() -> [String] {
        var lines: [String] = []
        while !unsigned.isEmpty { lines += signFirst() }
        return lines
    }

    /// Answers one waiting request.
    @discardableResult
    mutating func signFirst() -> [String] { signWaiting(at: 0) }

    @discardableResult
    mutating func signWaiting(at position: Int) -> [String] {
        let vote = unsigned.remove(at: position)
        nonce += 1
        return handle(
            .signed(
                vote.slot,
                ToySignatures().sign(
                    vote.signedBytes, by: vote.slot.validator, in: domain.set, nonce: nonce)))
    }

    /// Answers the oldest waiting request with a failure.
    @discardableResult
    mutating func fails() -> [String] { handle(.signingFailed(unsigned.removeFirst().slot)) }

    /// Lets time pass until a timer that is set fires.
    @discardableResult
    mutating func fires(_ timer: VotingTimer) -> [String] {
        guard let deadline = timers[timer] else { return ["no such timer is set"] }
        now = max(now, deadline)
        timers[timer] = nil
        return handle(.timer(timer))
    }

    /// Lets the round end: prevote timer, signatures, precommit timer.
    mutating func failRound(withPrecommitsFrom others: Int...) {
        let round = gadget.round
        fires(.prevote(round))
        sign()
        for validator in others {
            handle(
                .vote(
                    Fixture.verified(domain, validator, round: round.rawValue, .precommit, .nothing)
                ))
        }
        if gadget.round == round { fires(.precommit(round)) }
        sign()
    }

    // MARK: Transcript

    /// What the last input brought about.
    var lastLines: [String] { lastEffects.compactMap(describe) }

    private func describe(_ effect: CoherenceGadget.Effect) -> String? {
        switch effect {
        case .sign(let vote):
            "sign \(vote.slot.phase) \(vote.slot.round) \(chain.name(vote.target.hash))"
        case .persist(let record): "persist " + describe(record)
        case .broadcast(let vote):
            "send \(vote.phase) \(vote.round) \(chain.name(vote.target.hash))"
        case .broadcastQuorumCertificate(let quorum):
            "send quorum \(quorum.round) \(chain.name(quorum.block.hash))"
        case .finalised(let certificate, let block):
            "finalised \(chain.name(block.hash)) in \(certificate.round)"
        case .wantBlock(let block): "want \(chain.name(block.hash))"
        case .setTimer(let timer, let deadline): "set \(timer.name) in \(milliseconds(deadline)) ms"
        case .cancelTimer(let timer): "cancel \(timer.name)"
        case .roundEntered(let round): "enter \(round)"
        case .doubleVote(let pair): "double vote of \(pair.slot.validator)"
        case .alarm(let alarm): "alarm: \(alarm.kind)"
        case .note: nil
        }
    }

    private func describe(_ record: VotingRecord) -> String {
        switch record {
        case .vote(let vote):
            "\(vote.slot.phase) \(vote.slot.round) \(chain.name(vote.target.hash))"
        case .lock(_, let lock):
            lock.map { "lock \($0.round) \(chain.name($0.block.hash))" } ?? "no lock"
        case .highestQuorumCertificate(let quorum):
            "quorum \(quorum.round) \(chain.name(quorum.target.hash))"
        case .certificate(let certificate):
            "certificate \(certificate.round) \(chain.name(certificate.target.hash))"
        case .evidence(let pair): "evidence \(pair.first.phase) \(pair.first.round)"
        case .halt(let alarm): "halt: \(alarm.kind)"
        }
    }

    private func milliseconds(_ deadline: Instant) -> Int64 {
        (deadline - now).clampedNanoseconds / 1_000_000
    }
}

extension VotingTimer {
    /// For transcripts: `half 3`.
    var name: String {
        switch self {
        case .half(let round): "half \(round)"
        case .prevote(let round): "prevote timer \(round)"
        case .precommit(let round): "precommit timer \(round)"
        case .signing: "signing timer"
        }
    }
}

extension SafetyAlarm {
    /// For transcripts.
    var kind: String {
        switch self {
        case .conflictingCertificate: "conflicting certificate"
        case .conflictingLock: "conflicting lock"
        case .ownDoubleVote: "own double vote"
        case .ownKeyUsedElsewhere: "own key used elsewhere"
        }
    }
}
