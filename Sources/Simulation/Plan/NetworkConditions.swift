/// How the network behaves for the time being.
package struct NetworkConditions: Sendable, Hashable {
    /// The shortest one-way latency.
    package var latency: Duration = .microseconds(200)
    /// How much longer it may be: usually little of it, sometimes all.
    package var jitter: Duration = .microseconds(300)
    /// How often a packet has to be sent again below the stream, out of a thousand.
    package var retransmissionPermille = 0
    /// How long that takes, doubled each time.
    package var retransmissionDelay: Duration = .milliseconds(200)
    /// What a line carries; nil for no limit.
    package var bytesPerSecond: Int?
    /// Bytes on their way on a line before the sender has to wait.
    package var windowByteCount = 262_144
    /// How many notifications are lost although the stream stays open, out of a thousand: as if a
    /// full queue had dropped them.
    package var lossPermille = 0
    /// How many notifications arrive twice, out of a thousand.
    package var duplicationPermille = 0
    /// How many notifications do not keep their place in the stream, out of a thousand.
    package var reorderingPermille = 0
    /// How often, out of a thousand, what was sent last on a stream comes once more when the next
    /// one opens.
    package var redeliveryPermille = 0
    /// How many of the votes of one round and phase are kept from one peer, out of a thousand, as
    /// if the network were an adversary with a plan: re-sending does not help until the weather
    /// changes.
    package var hostilityPermille = 0

    /// In how many rounds an adversary who knows the protocol decides who hears the prevotes, and
    /// who the precommits, out of a thousand; see `Strategy`.
    package var strategyPermille = 0

    package init() {}
}

/// How long a node takes for what it does itself.
package struct NodeConditions: Sendable, Hashable {
    /// A commit to the disk.
    package var commit: ClosedRange<Duration> = .microseconds(200)...(.milliseconds(4))
    /// A signature.
    package var signing: ClosedRange<Duration> = .microseconds(400)...(.milliseconds(2))
    /// A signature that takes unusually long, and how often, out of a thousand.
    package var slowSigning: Duration = .seconds(2)
    package var slowSigningPermille = 0
    /// How often the signer fails, out of a thousand.
    package var signingFailurePermille = 0
    /// The check of one signature.
    package var verification: ClosedRange<Duration> = .microseconds(50)...(.microseconds(150))
    /// A read from the disk.
    package var reading: ClosedRange<Duration> = .microseconds(100)...(.milliseconds(3))

    package init() {}
}
