/// A step of a directed schedule.
package struct ScriptedStep: Sendable, Hashable {
    /// When it happens, from the simulation's start.
    package var at: Duration
    /// What happens.
    package var action: Action

    package init(at: Duration, _ action: Action) {
        self.at = at
        self.action = action
    }

    package enum Action: Sendable, Hashable {
        /// What the first node sends to the second one no longer arrives.
        case block(Int, Int)
        /// It arrives again.
        case unblock(Int, Int)
        /// The nodes of the two groups do not hear each other.
        case split([Int], [Int])
        /// Nothing is kept back any more.
        case heal
        /// A node crashes; a commit under way leaves nothing.
        case crash(Int)
        /// It comes back.
        case restart(Int)
        /// From now on this node gets no blocks but its own, or again all.
        case starve(Int?)
        /// A node's quantum source fails, and the node knows at once.
        case sourceFails(Int)
        /// It works again.
        case sourceRecovers(Int)
        /// A node asks the chain for another key of its own.
        case rotate(Int)
        /// From now on these messages are lost; the rules before are forgotten.
        case drop([DropRule])
    }
}

/// Messages of the vote gossip that are lost although the stream stays open.
package struct DropRule: Sendable, Hashable {
    /// The kinds of content that can be told apart.
    package enum Content: Sendable, Hashable {
        case prevotes, precommits, quorumCertificates, certificates
    }

    /// The sender; nil for all.
    package var from: Int?
    /// The receiver; nil for all.
    package var to: Int?
    /// What is lost; nil for everything.
    package var content: Content?
    /// The rounds; nil for all.
    package var rounds: ClosedRange<UInt64>?

    package init(
        from: Int? = nil, to: Int? = nil, _ content: Content? = nil,
        rounds: ClosedRange<UInt64>? = nil
    ) {
        self.from = from
        self.to = to
        self.content = content
        self.rounds = rounds
    }
}
