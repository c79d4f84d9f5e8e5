internal import Chain
internal import Coherence
internal import Primitives
internal import SCALE

/// Asking peers for what we lack: one request per peer at a time, two seconds for its answer, then
/// the next peer.
extension VoteGossipMachine {
    // MARK: Votes

    /// Asks for the votes that peers show and we lack. Called by the re-send timer, so only when a
    /// round has gone on for a while.
    mutating func reconcile(_ context: inout GossipContext) {
        let view = context.view
        for position in view.collectedPositions {
            guard !peers.contains(where: { $0.request?.position == position }) else { continue }
            let all = Bits(allOf: validatorCount)
            let missing = lacking(of: all, at: position, view)
            let best = mostHelpful(for: missing, at: position, from: 0, view)
            guard let (place, part) = best else { continue }
            let message = roundRequest(for: part, at: position, view)
            request(message, position: position, from: place, &context)
        }
    }

    func roundRequest(
        for missing: Bits, at position: VotePosition, _ view: VotingView
    ) -> GossipMessage {
        .roundRequest(
            RoundRequest(
                setID: view.domain.set.id, round: position.round, phase: position.phase,
                missing: missing))
    }

    /// Of these votes the ones that are not held here, whether their block is known or not.
    func lacking(of shown: Bits, at position: VotePosition, _ view: VotingView) -> Bits {
        var lacking = shown.subtracting(view.holdings(at: position))
        if !lacking.isEmpty {
            for voter in parking.voters(at: position) { lacking.remove(voter) }
        }
        return lacking
    }

    /// The peer to ask, and what it shows of these votes: the most of all that have failed least; of
    /// equals the first, counted around from `start`.
    func mostHelpful(
        for missing: Bits, at position: VotePosition, from start: Int, _ view: VotingView
    ) -> (place: Int, part: Bits)? {
        var best: (place: Int, part: Bits, failures: Int, count: Int)?
        for offset in peers.indices {
            let place = (start + offset) % peers.count
            guard peers[place].isListening, peers[place].request == nil,
                peers[place].setID == view.domain.set.id
            else { continue }
            let part = peers[place].holdings.shownVotes(at: position).intersection(missing)
            let (failures, count) = (peers[place].failedRequestCount, part.count)
            guard count > 0 else { continue }
            if let best, (best.failures, -best.count) <= (failures, -count) { continue }
            best = (place, part, failures, count)
        }
        return best.map { ($0.place, $0.part) }
    }

    /// Sends a request unless the peer has one to answer already.
    mutating func request(
        _ message: GossipMessage, position: VotePosition? = nil, from place: Int,
        _ context: inout GossipContext
    ) {
        guard peers[place].request == nil, !peers[place].isCutOff else { return }
        let deadline = context.now + configuration.requestTimeout
        peers[place].request = GossipPeer.Request(
            kind: message.kind, position: position, deadline: deadline)
        counters.requestsSent += 1
        send(
            OutboundMessage(
                bytes: message.scaleBytes, priority: OutboundPriority.request,
                supersession: .init(stream: OutboundStream.request, position: 0)),
            to: [place], &context)
        arm(.request, at: deadline, &context)
    }

    /// The peer answered, or sent by chance what it was asked for.
    mutating func finishRequest(of place: Int, _ kinds: GossipMessageKind...) {
        guard let request = peers[place].request, kinds.contains(request.kind) else { return }
        peers[place].request = nil
        peers[place].failedRequestCount = 0
    }

    /// Gives up what got no answer, and turns to the next peer.
    mutating func reviewRequests(_ context: inout GossipContext) {
        var isVoteRequestOver = false
        for place in peers.indices {
            guard let request = peers[place].request, request.deadline <= context.now else {
                continue
            }
            peers[place].request = nil
            peers[place].failedRequestCount += 1
            counters.requestsTimedOut += 1
            context.note(.requestTimedOut(peers[place].handle, request.kind))
            if request.kind != .certificateRequest { isVoteRequestOver = true }
        }
        if isVoteRequestOver { reconcile(&context) }
        askForCertificate(&context)
        if let next = peers.compactMap({ $0.request?.deadline }).min() {
            arm(.request, at: next, &context)
        }
    }

    // MARK: Certificates

    /// A peer shows that it has a newer certificate: it is asked for soon, unless it comes before.
    mutating func noteAhead(_ place: Int, _ context: inout GossipContext) {
        guard catchUpDueAt == nil, isAhead(place, context.view) else { return }
        // In a large set nobody sends it of his own accord as soon as that.
        let delay = hasCrowds ? askingDelay() : configuration.catchUpDelay
        catchUpDueAt = context.now + delay
        arm(.request, at: context.now + delay, &context)
    }

    /// A peer is in a set that is not active here: the way there leads over the hand-off
    /// certificate of ours.
    mutating func noteNewerSet(
        _ setID: SetID, of place: Int, _ context: inout GossipContext
    ) {
        if !peers[place].isRelay, peers[place].setID < setID {
            peers[place].setID = setID
            context.note(.newerSetSeen(peers[place].handle, setID))
        }
        noteAhead(place, &context)
    }

    private func isAhead(_ place: Int, _ view: VotingView) -> Bool {
        guard peers[place].isListening else { return false }
        if peers[place].setID > view.domain.set.id { return true }
        let known = max(view.finalised.number, highestCertified ?? view.finalised.number)
        return peers[place].setID == view.domain.set.id && peers[place].finalisedNumber > known
    }

    /// Asks one peer at a time for the certificate that we lack.
    private mutating func askForCertificate(_ context: inout GossipContext) {
        guard let due = catchUpDueAt else { return }
        guard !peers.contains(where: { $0.request?.kind == .certificateRequest }) else { return }
        guard due <= context.now else { return arm(.request, at: due, &context) }
        let view = context.view
        let ahead = peers.indices.filter { isAhead($0, view) }
        guard !ahead.isEmpty else {
            catchUpDueAt = nil
            return
        }
        var free = ahead.filter { peers[$0].request == nil }
        // Of equals one is taken by chance, so that not all ask the same.
        if hasCrowds { free.shuffle(using: &random) }
        let best = free.min { left, right in
            let (one, other) = (peers[left], peers[right])
            if one.failedRequestCount != other.failedRequestCount {
                return one.failedRequestCount < other.failedRequestCount
            }
            return (other.setID, other.finalisedNumber) < (one.setID, one.finalisedNumber)
        }
        guard let best else { return }
        // Within a set the newest certificate proves all; from an older set only its own
        // certificates can be checked, and the lowest ones are those.
        let next = view.finalised.number.successor ?? view.finalised.number
        let isSameSet = peers[best].setID == view.domain.set.id
        let number = isSameSet ? peers[best].finalisedNumber : next
        request(.certificateRequest(number: number), from: best, &context)
    }
}
