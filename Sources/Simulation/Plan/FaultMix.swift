/// Which faults a run has, how often and how bad: the weights of a draw.
package struct FaultMix: Sendable, Hashable {
    /// What can go wrong.
    package enum Kind: Int, Sendable, Hashable, CaseIterable {
        /// The nodes fall into two groups that do not hear each other.
        case split
        /// One node is cut off.
        case isolation
        /// One line of one link carries nothing; the other one does.
        case oneWay
        /// A connection breaks.
        case reset
        /// One node crashes and comes back.
        case crash
        /// Several nodes crash at once, perhaps all.
        case massCrash
        /// A node stands still for a while.
        case freeze
        /// A disk is slow.
        case slowDisk
        /// A disk is full: the node stops at the next write, each time that it is started.
        case fullDisk
        /// One link is much slower than the others.
        case slowLink
        /// A byte stream stands still for less time than it takes to give it up.
        case stall
        /// All latencies grow.
        case storm
        /// Quantum sources fail.
        case abstention
        /// A wall clock jumps.
        case clockJump
        /// Votes of some rounds are kept from some peers.
        case hostility
        /// Who hears which votes of a round is decided by somebody who knows the protocol.
        case strategy
        /// Signers fail, perhaps all of them.
        case signers
    }

    /// By kind: the weight in the draw.
    package var weights = [Int](repeating: 0, count: Kind.allCases.count)
    /// The pause before the next fault.
    package var pause: ClosedRange<Duration> = .milliseconds(200)...(.seconds(8))
    /// How long a fault lasts.
    package var length: ClosedRange<Duration> = .milliseconds(50)...(.seconds(12))

    package init() {}

    package subscript(kind: Kind) -> Int {
        get { weights[kind.rawValue] }
        set { weights[kind.rawValue] = newValue }
    }
}
