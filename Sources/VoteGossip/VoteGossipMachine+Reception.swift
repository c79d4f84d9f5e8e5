internal import Coherence
internal import Primitives

/// Messages that come in: budget, size, form; then to each kind's own validation.
extension VoteGossipMachine {
    mutating func receive(
        _ bytes: [UInt8], from handle: PeerHandle, _ context: inout GossipContext
    ) {
        let kind = count(bytes)
        guard let place = index(of: handle) else {
            return judge(.ignore(.unknownPeer), of: handle, kind, &context)
        }
        if let verdict = admit(bytes, from: place, now: context.now) {
            return judge(verdict, of: handle, kind, &context)
        }
        do {
            dispatch(try GossipMessage.decode(bytes), from: place, &context)
        } catch {
            judge(error.verdict, of: handle, kind, &context)
        }
    }

    /// Counts a message that came in, on whichever way.
    mutating func count(_ bytes: [UInt8]) -> GossipMessageKind? {
        guard let kind = bytes.first.flatMap(GossipMessageKind.init) else { return nil }
        counters.received[kind] += 1
        counters.receivedBytes[kind] += UInt64(bytes.count)
        return kind
    }

    /// Takes a message's price from an account; nil when it may be looked at.
    mutating func admit(_ bytes: [UInt8], from place: Int, now: Instant) -> GossipVerdict? {
        guard !peers[place].isCutOff else { return .ignore(.cutOff) }
        let price = 1 + bytes.count / 4096
        guard peers[place].messageBudget.take(price, now: now) else {
            return .ignore(.overMessageBudget)
        }
        endThrottling(place, now: now)
        return nil
    }

    private mutating func dispatch(
        _ message: GossipMessage, from place: Int, _ context: inout GossipContext
    ) {
        let handle = peers[place].handle
        let verdict: GossipVerdict?
        switch message {
        case .vote(let vote):
            verdict = receive(vote, from: place, &context)
        case .voteBundle(let bundle):
            finishRequest(of: place, .voteRequest, .roundRequest)
            verdict = receive(bundle, from: place, &context)
        case .quorumCertificate(let certificate):
            verdict = receive(certificate, from: place, &context)
        case .certificate(let certificate):
            finishRequest(of: place, .certificateRequest)
            verdict = receive(certificate, from: place, &context)
        case .equivocation(let evidence):
            verdict = receive(evidence, from: place, &context)
        case .status(let status):
            verdict = receive(status, from: place, &context)
        case .voteRequest(let hash):
            verdict = serveVotes(for: hash, to: place, &context)
        case .roundRequest(let request):
            verdict = serve(request, to: place, &context)
        case .certificateRequest(let number):
            verdict = serveCertificate(atOrAbove: number, to: place, &context)
        }
        if let verdict { judge(verdict, of: handle, message.kind, &context) }
    }
}

extension GossipMessage.Malformed {
    /// The validation table's word on it.
    var verdict: GossipVerdict {
        switch self {
        case .unknownIndex: .ignore(.unknownIndex)
        case .oversize: .reject(.oversize)
        case .undecodable: .reject(.undecodable)
        case .trailingBytes: .reject(.trailingBytes)
        }
    }
}
