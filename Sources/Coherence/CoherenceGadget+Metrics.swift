/// What stands between a node and its votes, for metrics.
package enum SigningState: UInt8, Sendable, Hashable {
    /// Nothing: it votes.
    case voting = 0
    /// The measurement is not usable; voting goes on by itself when it is.
    case abstaining = 1
    /// An alarm ended signing in this set.
    case stopped = 2
    /// No key here is one of the set: the node follows.
    case following = 3
}

extension CoherenceGadget {
    /// Whether this node votes, and if not, why.
    package var signingState: SigningState {
        guard local != nil else { return .following }
        // Not `halt != nil`, which would copy the alarm's certificates.
        if case .some = halt { return .stopped }
        return usableState == nil ? .abstaining : .voting
    }

    /// What the own quantum source said last.
    package var latestMeasurement: QuantumMeasurement { measurement }
}
