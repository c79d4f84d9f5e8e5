internal import BlockSync
internal import Chain
internal import Coherence
internal import Keystore
internal import Logging
internal import Primitives
internal import RPC
internal import RemoteSigning
internal import SCALE
internal import Validator
internal import VoteGossip

/// Owns the validator core: gives it inputs, carries out its effects in the order that `EffectQueue`
/// allows.
///
/// All decisions are the core's; here are only its arms. A commit runs on the storage queue while
/// inputs go on being handled; what was decided after it waits in the queue.
actor ValidatorHost {
    /// What effects are carried out with.
    struct Arms: Sendable {
        let store: any RecordStore
        let network: NetworkBridge
        let verifier: FalconVerifier
        let pool: WorkPool
        let timers: TimerTable
        let observer: EventObserver
        let feed: SubscriptionFeed
        var tampering: (any VoteTampering)?
    }

    private(set) var core: ValidatorCore
    private var queue = EffectQueue()
    private let arms: Arms
    /// By public key; more may come later.
    private var signers: [[UInt8]: any Signer]
    private let commits: AsyncStream<[StoredRecord]>
    private let commitContinuation: AsyncStream<[StoredRecord]>.Continuation
    private var responders: [InboundRequestID: CheckedContinuation<[UInt8]?, Never>] = [:]
    private var nextRequestID: UInt64 = 0
    private var submissions: [Hash256: CheckedContinuation<Result<Void, ExtrinsicRefusal>, Never>] =
        [:]
    /// Why the node cannot go on; effects stop for good then.
    private(set) var failure: (any Error)?
    /// The set whose events are being told: they come later than the core's decisions.
    private var observedSet: ValidatorSet
    private let onFailure: @Sendable (any Error) -> Void

    init(
        core: ValidatorCore, arms: Arms, signers: [[UInt8]: any Signer],
        onFailure: @escaping @Sendable (any Error) -> Void
    ) {
        self.core = core
        observedSet = core.domain.set
        self.arms = arms
        self.signers = signers
        self.onFailure = onFailure
        (commits, commitContinuation) = AsyncStream.makeStream(of: [StoredRecord].self)
    }

    // MARK: Inputs

    /// Gives the core an input and carries out what may be carried out now.
    func submit(_ input: ValidatorCore.Input) {
        guard failure == nil else { return }
        let finalised = core.tree.finalised.number
        let effects = core.handle(input, now: NodeClock.now())
        arms.observer.noteTimes(effects)
        let notice = arms.observer.metrics.note(
            effects, from: .init(local: core.gadget.local, domain: core.gadget.domain))
        if let notice { arms.observer.observe(notice) }
        arms.feed.note(effects, of: core, finalised: finalised)
        queue.append(effects)
        pump()
    }

    /// Takes a key while the node runs: it signs from the next set on.
    func add(_ key: HeldKey, signer: any Signer) {
        signers[key.publicKey] = signer
        submit(.keyAdded(key))
    }

    /// Answers a peer's request for blocks; nil refuses it.
    func answer(_ bytes: [UInt8], from peer: PeerHandle) async -> [UInt8]? {
        guard failure == nil else { return nil }
        nextRequestID += 1
        let id = InboundRequestID(nextRequestID)
        return await withCheckedContinuation { continuation in
            responders[id] = continuation
            submit(.request(id, peer, bytes))
        }
    }

    /// Hands in an extrinsic and waits for what becomes of it.
    func submit(_ extrinsic: Extrinsic) async throws(ExtrinsicRefusal) {
        guard failure == nil else { throw .invalid(reason: "the node is stopping") }
        guard submissions[extrinsic.hash] == nil else { throw .alreadyKnown }
        let outcome = await withCheckedContinuation { continuation in
            submissions[extrinsic.hash] = continuation
            submit(.submit(extrinsic))
        }
        try outcome.get()
    }

    private func finishSubmission(_ hash: Hash256, _ outcome: SubmissionOutcome) {
        submissions.removeValue(forKey: hash)?.resume(returning: outcome.refusal)
    }

    /// Runs the loops that belong to the host, until `shutdown`.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.commitRecords() }
            group.addTask {
                for await fired in self.arms.timers.fired {
                    guard self.arms.timers.take(fired) else { continue }
                    await self.submit(.timer(fired.id))
                }
            }
        }
    }

    /// Writes what is staged and ends the loops. No input is taken after it.
    func shutdown() async {
        arms.timers.shutdown()
        let staged = queue.takeStaged()
        if failure == nil && !staged.isEmpty && !queue.isWaitingForCommit {
            do {
                try await arms.store.apply(staged)
            } catch {
                arms.observer.logger.error("The last blocks could not be written: \(error)")
            }
        }
        failure = failure ?? NodeStopped()
        commitContinuation.finish()
        for id in responders.keys.sorted() {
            responders.removeValue(forKey: id)?.resume(returning: nil)
        }
        for hash in submissions.keys.sorted() {
            finishSubmission(hash, .busy)
        }
    }

    // MARK: Effects

    private func pump() {
        while let step = queue.next() {
            switch step {
            case .commit(let records): commitContinuation.yield(records)
            case .run(let effect): carryOut(effect)
            }
        }
    }

    private func commitRecords() async {
        for await records in commits {
            do {
                try await arms.store.apply(records)
            } catch {
                fail(error)
                return
            }
            queue.committed()
            pump()
        }
    }

    /// The disk failed: nothing that was decided since may leave, so the node stops.
    private func fail(_ error: any Error) {
        guard failure == nil else { return }
        failure = error
        onFailure(error)
    }

    private func carryOut(_ effect: ValidatorCore.Effect) {
        switch effect {
        case .signVote(let vote, let key):
            arms.observer.voteCreated(vote)
            sign(vote.signedBytes, key, as: .vote(vote.signedBytes)) { .voteSigned(vote.slot, $0) }
        case .signSeal(let slot, let message, let key):
            let header = core.unsealedHeader.flatMap { $0.hash.bytes == message ? $0 : nil }
            sign(message, key, as: header.map { .seal($0.scaleBytes) }) { .sealSigned(slot, $0) }
        case .signExtrinsic(let message, let key):
            sign(message, key, as: .extrinsic(message)) { .extrinsicSigned($0) }
        case .check(let id, let checks): check(id, checks)
        case .verify(let jobs): verify(jobs)
        case .readBlocks(let id, let query): readBlocks(id, query)
        case .loadCertificate(let id, let query): loadCertificate(id, query)
        case .setTimer(let id, let instant): arms.timers.set(id, at: instant)
        case .cancelTimer(let id): arms.timers.cancel(id)
        case .persist, .stage: preconditionFailure("the effect queue commits records")
        case .send(let channel, let peers, let message): send(channel, peers, message)
        case .publish(let bytes): publish(bytes)
        case .judged(let id, let verdict): arms.network.judge(id, verdict)
        case .submitted(let hash, let outcome): finishSubmission(hash, outcome)
        case .request(let id, let peer, let bytes): request(id, peer, bytes)
        case .abandon(let id): arms.network.abandon(id)
        case .respond(let id, let bytes):
            responders.removeValue(forKey: id)?.resume(returning: bytes)
        case .handshakeChanged(let channel, let bytes):
            arms.network.setHandshake(channel, bytes)
        case .ban(let peer, let duration): arms.network.ban(peer, for: duration)
        case .disconnect(let channel, let peer): arms.network.disconnect(channel, peer)
        case .hangUp(let peer): arms.network.hangUp(peer)
        case .event(let event):
            if case .setActivated(let set, _) = event { observedSet = set }
            arms.observer.observe(event, set: observedSet)
            arms.feed.tell(event, of: core)
        }
    }

    private func send(_ channel: Channel, _ peers: [PeerHandle], _ message: OutboundMessage) {
        if channel == .votes, message.bytes.first == GossipMessageKind.vote.rawValue {
            let vote = try? GossipMessage.decode(message.bytes)
            arms.observer.voteSent(
                to: peers.count, byteCount: message.bytes.count, slot: slot(of: vote))
        }
        if channel == .votes, let tampering = arms.tampering {
            return tamper(tampering, peers, message)
        }
        arms.network.send(channel, to: peers, message)
    }

    private func publish(_ bytes: [UInt8]) {
        if bytes.first == GossipMessageKind.vote.rawValue {
            let vote = try? GossipMessage.decode(bytes)
            arms.observer.votePublished(byteCount: bytes.count, slot: slot(of: vote))
        }
        arms.network.publish(bytes)
    }

    /// Sends what an evil node of the tests makes of a message.
    private func tamper(
        _ tampering: any VoteTampering, _ peers: [PeerHandle], _ message: OutboundMessage
    ) {
        let (network, domain) = (arms.network, core.domain)
        let signer = core.keys.publicKey(in: domain.set).flatMap { signers[$0] }
        arms.pool.submit {
            let parts = await tampering.outbound(message.bytes, to: peers, in: domain) { bytes in
                try? await signer?.sign(bytes)
            }
            for part in parts {
                network.send(.votes, to: part.peers, OutboundMessage(bytes: part.message))
            }
        }
    }

    private func slot(of message: GossipMessage?) -> VoteSlot? {
        guard case .vote(let vote) = message else { return nil }
        return core.domain.slot(of: vote)
    }

    /// - Parameter request: the same for a signer that looks at what it signs; nil when that is not
    ///   there any more.
    private func sign(
        _ message: [UInt8], _ key: [UInt8], as request: SigningRequest?,
        _ input: @escaping @Sendable ([UInt8]?) -> ValidatorCore.Input
    ) {
        guard let signer = signers[key] else { return submit(input(nil)) }
        if let remote = signer as? RemoteSigner { return sign(request, with: remote, input) }
        let logger = arms.observer.logger
        arms.pool.submit {
            var signature: [UInt8]?
            do {
                signature = try await signer.sign(message)
            } catch {
                logger.error("The signer failed: \(error)")
            }
            await self.submit(input(signature))
        }
    }

    /// Requests go out in the order of the core's decisions: a signer signs upwards only.
    private func sign(
        _ request: SigningRequest?, with signer: RemoteSigner,
        _ input: @escaping @Sendable ([UInt8]?) -> ValidatorCore.Input
    ) {
        guard let request else { return submit(input(nil)) }
        let pool = arms.pool
        signer.submit(request) { result in
            // Failures were logged by the connection, once.
            let signature = try? result.get()
            pool.submit { await self.submit(input(signature)) }
        }
    }

    private func check(_ id: CheckID, _ checks: [SignatureCheck]) {
        let verifier = arms.verifier
        arms.pool.submit {
            let verdicts = checks.map { $0.run(using: verifier) }
            await self.submit(.checked(id, verdicts))
        }
    }

    private func verify(_ jobs: [VerificationJob]) {
        let (verifier, metrics) = (arms.verifier, arms.observer.metrics)
        arms.pool.submit {
            let outcomes = jobs.map { job in
                let start = NodeClock.now()
                defer { metrics.verified(in: NodeClock.now() - start) }
                return VerificationOutcome(id: job.id, result: job.run(using: verifier))
            }
            await self.submit(.verified(outcomes))
        }
    }

    private func readBlocks(_ id: ReadID, _ query: StoredBlockQuery) {
        let store = arms.store
        let logger = arms.observer.logger
        arms.pool.submit {
            var blocks: [StoredBlock] = []
            do {
                blocks = try await store.blocks(query)
            } catch {
                logger.error("Stored blocks could not be read: \(error)")
            }
            await self.submit(.blocksRead(id, blocks))
        }
    }

    private func loadCertificate(_ id: CertificateLoadID, _ query: CertificateQuery) {
        let store = arms.store
        let logger = arms.observer.logger
        arms.pool.submit {
            var certificate: FinalityCertificate?
            do {
                certificate = try await store.certificate(query)
            } catch {
                logger.error("A stored certificate could not be read: \(error)")
            }
            await self.submit(.certificateLoaded(id, certificate))
        }
    }

    private func request(_ id: RequestID, _ peer: PeerHandle, _ bytes: [UInt8]) {
        arms.network.request(id, bytes, of: peer) { result in
            await self.submit(.response(id, result))
        }
    }
}

/// The node was told to stop.
struct NodeStopped: Error {}
