internal import Chain
internal import Primitives

/// Our requests: sending, time-outs, responses.
extension SyncMachine {
    /// Asks a peer; nil when the request cannot be encoded.
    mutating func send(
        _ request: BlockRequest, to peer: PeerHandle, for purpose: OutstandingRequest.Purpose,
        now: Instant
    ) -> RequestID? {
        guard let bytes = try? request.encoded() else { return nil }
        let id = RequestID(nextID())
        let failures =
            peers.update(peer) { peer in
                peer.request = id
                peer.lastRequest = id.rawValue
                return peer.failureCount
            } ?? 0
        let base =
            request.maximumCount <= 4 ? configuration.shortTimeout : configuration.longTimeout
        let timeout = min(base * (1 << min(failures, 8)), configuration.maximumTimeout)
        requests[id] = OutstandingRequest(
            peer: peer, deadline: now + timeout, request: request, purpose: purpose)
        requestOrder.append(id)
        effects.append(.request(id, peer, bytes))
        return id
    }

    mutating func removeRequest(_ id: RequestID) -> OutstandingRequest? {
        guard let request = requests.removeValue(forKey: id) else { return nil }
        requestOrder.removeAll { $0 == id }
        peers.update(request.peer) { $0.request = nil }
        return request
    }

    /// Forgets a request that no response is wanted to any more. Its stream must not stay open: a
    /// peer that stands still would collect them.
    @discardableResult
    mutating func abandonRequest(_ id: RequestID) -> OutstandingRequest? {
        guard let request = removeRequest(id) else { return nil }
        effects.append(.abandon(id))
        return request
    }

    /// Gives up the requests whose time is over.
    mutating func expireRequests(now: Instant) {
        for id in requestOrder {
            guard let deadline = requests[id]?.deadline, deadline <= now,
                let request = abandonRequest(id)
            else { continue }
            report(request.peer, .timedOut)
            blame(request.peer, now: now)
            requestFailed(request, now: now)
        }
    }

    mutating func response(
        _ id: RequestID, _ result: Result<[UInt8], SyncRequestFailure>, tree: BlockTree,
        now: Instant
    ) {
        guard let request = removeRequest(id) else { return }
        switch result {
        case .failure(let failure):
            if failure == .timedOut { report(request.peer, .timedOut) }
            blame(request.peer, now: now)
            requestFailed(request, now: now)
        case .success(let bytes):
            do {
                let blocks = try Self.validated(bytes, for: request.request)
                peers.update(request.peer) { peer in
                    for block in blocks { peer.knownBlocks.insert(block.hash) }
                }
                received(blocks, request, tree: tree, now: now)
            } catch {
                report(request.peer, error)
                blame(request.peer, now: now, isFault: true)
                requestFailed(request, now: now)
            }
        }
    }

    /// The blocks of a response that has what was asked for: the right first block, each linked
    /// to the one before, none too many, bodies and headers that belong together.
    static func validated(
        _ bytes: [UInt8], for request: BlockRequest
    ) throws(SyncOffence) -> [BlockData] {
        let response: BlockResponse
        do {
            response = try BlockResponse(
                decoding: bytes, limit: Int(clamping: request.maximumCount))
        } catch {
            throw .malformed
        }
        var previous: Header?
        for block in response.blocks {
            guard let header = block.header else { throw .wrongResponse }
            if let previous {
                let (lower, upper) =
                    request.direction == .ascending ? (previous, header) : (header, previous)
                guard upper.parentHash == lower.hash, upper.number == lower.number.successor
                else { throw .wrongResponse }
            } else {
                switch request.start {
                case .hash(let hash): guard header.hash == hash else { throw .wrongResponse }
                case .number(let number):
                    guard header.number == number else { throw .wrongResponse }
                }
            }
            if request.fields.contains(.body) {
                guard
                    header.extrinsicsRoot == Block.extrinsicsRoot(of: block.extrinsics)
                else { throw .wrongResponse }
            }
            previous = header
        }
        return response.blocks
    }

    private mutating func received(
        _ blocks: [BlockData], _ request: OutstandingRequest, tree: BlockTree, now: Instant
    ) {
        let items = blocks.compactMap { data in
            data.header.map { header in
                CollectedBlock(
                    block: Block(header: header, extrinsics: data.extrinsics),
                    justification: data.justifications.first { $0.engine == .coherence }?.bytes,
                    source: request.peer)
            }
        }
        switch request.purpose {
        case .target(let hash): targetReceived(hash, items, request.peer, tree: tree, now: now)
        case .window(let id): windowReceived(id, items, request.peer, tree: tree, now: now)
        case .justifications:
            justificationsReceived(items, from: request.peer, tree: tree, now: now)
        }
    }

    mutating func requestFailed(_ request: OutstandingRequest, now: Instant) {
        switch request.purpose {
        case .target(let hash): targetFailed(hash, request.peer, now: now)
        case .window(let id): windowFailed(id, request.peer)
        case .justifications:
            stall.request = nil
            stall.notBefore = now + configuration.justificationInterval
        }
    }

    /// Lets a peer rest after a failure, longer with each in a row and after a proven fault.
    mutating func blame(_ peer: PeerHandle, now: Instant, isFault: Bool = false) {
        peers.update(peer) { peer in
            peer.failureCount = min(peer.failureCount + (isFault ? 3 : 1), 16)
            let delay = min(
                configuration.retryDelay * (1 << (peer.failureCount - 1)),
                configuration.maximumRetryDelay)
            peer.notBefore = now + delay
        }
    }

    // MARK: Scheduling

    /// Sends what can be sent and sets the timer for what has to wait.
    mutating func schedule(tree: BlockTree, now: Instant) {
        startCatchUp(tree: tree, now: now)
        chaseClaims(tree: tree, now: now)
        requestWindows(tree: tree, now: now)
        requestTargets(tree: tree, now: now)
        requestJustifications(tree: tree, now: now)
        arm(tree: tree, now: now)
    }

    private mutating func arm(tree: BlockTree, now: Instant) {
        var next = Instant.distantFuture
        func wake(_ time: Instant) { if time > now { next = min(next, time) } }
        for id in requestOrder { if let deadline = requests[id]?.deadline { wake(deadline) } }
        let waitsForPeers =
            targets.contains { $0.request == nil }
            || catchUp?.windows.contains { $0.request == nil && $0.blocks == nil } == true
            || isHeldUpByFinality(tree: tree) || hasHigherClaim(tree: tree)
        if waitsForPeers {
            peers.forEach { wake($0.notBefore) }
            for target in targets where target.request == nil { wake(target.notBefore) }
            if isHeldUpByFinality(tree: tree) { wake(stall.notBefore) }
        }
        if !peers.handles.isEmpty && tree.best.number > tree.finalised.number {
            wake(reannounceAt)
        }
        guard next < .distantFuture else { return }
        if let armed, armed <= next, armed > now { return }
        armed = next
        effects.append(.setTimer(.wake, next))
    }
}
