internal import Primitives
internal import Synchronization

/// Who calls: what the calls of one connection have to do with each other.
struct RPCCaller: Sendable {
    /// Where its subscriptions are; nil for a caller that cannot have any.
    var session: WebSocketSession?
    private var budget: CallBudget?

    /// A caller without a connection.
    init() {}

    init(session: WebSocketSession, limits: RPCLimits) {
        self.session = session
        budget = limits.callsPerMinute.map { CallBudget(callsPerMinute: $0) }
    }

    /// The same caller as long as it speaks HTTP.
    var overHTTP: RPCCaller {
        var caller = self
        caller.session = nil
        return caller
    }

    /// Takes one call from the caller's budget, if there is any left.
    func mayCall() -> Bool { budget?.take() ?? true }
}

/// How often one connection may call.
private final class CallBudget: Sendable {
    private let bucket: Mutex<TokenBucket>
    private let start = ContinuousClock.now

    /// - Parameter callsPerMinute: at most 10,000.
    init(callsPerMinute: Int) {
        // A call costs 60 tokens, so that the budget refills by whole tokens each second.
        bucket = Mutex(
            TokenBucket(
                burst: callsPerMinute * 60, perSecond: callsPerMinute, now: Instant(nanoseconds: 0))
        )
    }

    func take() -> Bool {
        let (seconds, attoseconds) = start.duration(to: .now).components
        let now = Instant(
            nanoseconds: UInt64(clamping: seconds) &* 1_000_000_000
                &+ UInt64(clamping: attoseconds / 1_000_000_000))
        return bucket.withLock { $0.take(60, now: now) }
    }
}
