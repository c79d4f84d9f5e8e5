internal import Coherence
internal import Primitives

/// What is being verified elsewhere, and who sent it.
///
/// One content is verified once however many peers send it: the same bytes only add a sender;
/// another signature for the same content waits until the first one's result is known, so that junk
/// under an honest validator's name can neither displace the real vote nor get its sender blamed.
struct PendingVerifications: Sendable {
    /// A vote being verified, or waiting for its sender's turn.
    struct Vote: Sendable {
        let content: VoteContent
        /// What is being verified.
        var vote: CoherenceVote
        /// Who sent exactly this, in order; the first one's budget paid.
        var senders: [PeerHandle]
        /// In whose turn the verification was begun; nil while it waits.
        var starter: PeerHandle?
        /// The same content with other bytes, in order of arrival.
        var alternatives: [(vote: CoherenceVote, sender: PeerHandle)] = []
    }

    /// A quorum certificate or certificate being verified.
    struct Certificate: Sendable {
        let id: VerificationJobID
        let subject: VerificationJob.Subject
        let signatureCount: Int
        var senders: [PeerHandle]
    }

    private var votes: [VerificationJobID: Vote] = [:]
    private var jobs: [VoteContent: VerificationJobID] = [:]
    /// Ascending by id; at most `certificateLimit`.
    private var certificates: [Certificate] = []
    private var nextID: UInt64 = 0
    private var alternativeCount = 0
    /// Votes that wait for somebody's turn.
    private(set) var waitingCount = 0

    /// Certificates verified at one time, over all peers.
    static let certificateLimit = 16

    /// Votes whose verification is under way.
    var voteCount: Int { votes.count }
    /// Signatures whose verification is under way.
    private(set) var signatureCount = 0
    /// Everything that waits, alternatives included.
    var count: Int { votes.count + alternativeCount + certificates.count }
    /// Bytes held, roughly.
    var byteCount: Int {
        (votes.count + alternativeCount) * CoherenceVote.byteCount
            + certificates.reduce(0) { $0 + $1.signatureCount * VoteEntry.byteCount }
    }
    /// Whether one more certificate may be verified.
    var hasRoomForCertificate: Bool { certificates.count < Self.certificateLimit }

    // MARK: Votes

    /// The vote of this content that is being verified.
    func vote(_ content: VoteContent) -> Vote? { jobs[content].flatMap { votes[$0] } }

    /// Begins a verification.
    mutating func begin(_ vote: Vote) -> VerificationJobID {
        let id = makeID()
        votes[id] = vote
        jobs[vote.content] = id
        alternativeCount += vote.alternatives.count
        if vote.starter == nil { waitingCount += 1 }
        signatureCount += 1
        return id
    }

    /// Another peer sent exactly the vote that is being verified.
    mutating func addSender(_ sender: PeerHandle, to content: VoteContent) {
        guard let id = jobs[content], votes[id]?.senders.contains(sender) == false else { return }
        votes[id]?.senders.append(sender)
    }

    /// A peer sent the content with other bytes.
    ///
    /// - Returns: whether it is kept: not beyond `limit` of them, nor two of one peer.
    mutating func addAlternative(
        _ vote: CoherenceVote, from sender: PeerHandle, to content: VoteContent, limit: Int
    ) -> Bool {
        guard let id = jobs[content], let pending = votes[id],
            pending.alternatives.count < limit,
            !pending.alternatives.contains(where: { $0.sender == sender })
        else { return false }
        votes[id]?.alternatives.append((vote, sender))
        alternativeCount += 1
        return true
    }

    /// Ends a vote's verification; nil for an unknown id.
    mutating func finishVote(_ id: VerificationJobID) -> Vote? {
        guard let vote = votes.removeValue(forKey: id) else { return nil }
        jobs[vote.content] = nil
        alternativeCount -= vote.alternatives.count
        if vote.starter == nil { waitingCount -= 1 }
        signatureCount -= 1
        return vote
    }

    /// The vote of this number.
    func vote(_ id: VerificationJobID) -> Vote? { votes[id] }

    /// The number of the vote of this content.
    func id(of content: VoteContent) -> VerificationJobID? { jobs[content] }

    /// The verification of a vote begins in a peer's turn.
    mutating func start(_ id: VerificationJobID, for peer: PeerHandle) {
        guard let vote = votes[id] else { return }
        if vote.starter == nil { waitingCount -= 1 }
        votes[id]?.starter = peer
    }

    /// A peer whose turn it may be sent other bytes for a vote that still waits: they go first.
    mutating func prefer(_ vote: CoherenceVote, from sender: PeerHandle, to content: VoteContent) {
        guard let id = jobs[content], let waiting = votes[id] else { return }
        let others = waiting.senders.map { (vote: waiting.vote, sender: $0) }
        votes[id]?.vote = vote
        votes[id]?.senders = [sender]
        votes[id]?.alternatives.append(contentsOf: others)
        alternativeCount += others.count
    }

    // MARK: Certificates

    /// How many certificates are being verified that a peer was the first to send.
    func certificateCount(of peer: PeerHandle) -> Int {
        certificates.count { $0.senders.first == peer }
    }

    /// Begins a verification.
    mutating func begin(
        _ subject: VerificationJob.Subject, signatureCount count: Int, from sender: PeerHandle
    ) -> VerificationJobID {
        let id = makeID()
        certificates.append(
            Certificate(id: id, subject: subject, signatureCount: count, senders: [sender]))
        signatureCount += count
        return id
    }

    /// Whether exactly this is being verified already; if so the sender is remembered.
    mutating func share(_ subject: VerificationJob.Subject, from sender: PeerHandle) -> Bool {
        guard let index = certificates.firstIndex(where: { $0.subject == subject }) else {
            return false
        }
        if !certificates[index].senders.contains(sender) {
            certificates[index].senders.append(sender)
        }
        return true
    }

    /// Whether exactly this is being verified.
    func isVerifying(_ subject: VerificationJob.Subject) -> Bool {
        certificates.contains { $0.subject == subject }
    }

    /// Ends a certificate's verification; nil for an unknown id.
    mutating func finishCertificate(_ id: VerificationJobID) -> Certificate? {
        guard let index = certificates.firstIndex(where: { $0.id == id }) else { return nil }
        signatureCount -= certificates[index].signatureCount
        return certificates.remove(at: index)
    }

    /// Forgets everything; results that are still to come will be of unknown ids.
    mutating func abandon() {
        votes = [:]
        jobs = [:]
        certificates = []
        alternativeCount = 0
        waitingCount = 0
        signatureCount = 0
    }

    private mutating func makeID() -> VerificationJobID {
        defer { nextID += 1 }
        return VerificationJobID(nextID)
    }
}
