/// How a peer's score is made up, and below which scores it is cut off (GossipSub 1.1, "Peer
/// Scoring"). A score is a plain number; each part has a weight.
///
/// The defaults are made for validators' votes: a few to a few hundred messages a second, in bursts,
/// and none for minutes when the chain stands still. So mesh deliveries (P3, P3b) weigh nothing, or
/// honest peers would be punished for silence. A peer that does its work earns at most 30.
public struct PeerScoreParameters: Sendable, Hashable {
    /// Between two decays.
    public var decayInterval = Duration.seconds(1)
    /// What decays to less than this is zero.
    public var decayToZero = 0.01
    /// For how long the score of a peer that is gone is remembered, when it is below zero.
    public var retention = Duration.seconds(3_600)
    /// The most that all topics together can add.
    public var topicScoreCap = 30.0
    /// What a topic counts by, every one alike.
    public var topic = TopicScoreParameters()
    /// P5: what the application thinks of the peer.
    public var applicationWeight = 1.0
    /// P6: (peers of one network address - threshold)^2; several honest nodes may share one.
    public var colocationWeight = -5.0
    public var colocationThreshold = 8
    /// P7: (misbehaviour - threshold)^2. Broken promises and early GRAFTs count 1, frames that do
    /// not decode 4.
    public var behaviourWeight = -10.0
    public var behaviourThreshold = 6.0
    /// Halves it in 69 s.
    public var behaviourDecay = 0.99

    /// Below this no gossip goes out to a peer, and none of its is looked at.
    public var gossipThreshold = -10.0
    /// Below this own messages are not sent to a peer outside the mesh.
    public var publishThreshold = -50.0
    /// Below this nothing of a peer's is looked at.
    public var graylistThreshold = -80.0
    /// From this on the peers that a PRUNE names are believed.
    public var acceptExchangeThreshold = 10.0
    /// A median score in the mesh below this calls for better peers.
    public var opportunisticGraftThreshold = 1.0

    public init() {}

    var isConsistent: Bool {
        graylistThreshold <= publishThreshold && publishThreshold <= gossipThreshold
            && gossipThreshold <= 0 && acceptExchangeThreshold >= 0
            && opportunisticGraftThreshold >= 0 && colocationWeight <= 0 && behaviourWeight <= 0
            && behaviourDecay >= 0 && behaviourDecay < 1 && decayInterval > .zero
            && topic.isConsistent
    }
}

/// The part of a peer's score that it earns in a topic.
public struct TopicScoreParameters: Sendable, Hashable {
    public var weight = 1.0

    /// P1: time in the mesh, in quanta, up to the cap: ten points after a bit more than an hour.
    public var timeInMeshWeight = 0.0025
    public var timeInMeshQuantum = Duration.seconds(1)
    public var timeInMeshCap = 4_000.0

    /// P2: messages that it brought first, up to the cap: twenty points.
    public var firstDeliveriesWeight = 0.5
    public var firstDeliveriesDecay = 0.97
    public var firstDeliveriesCap = 40.0

    /// P3: (threshold - deliveries in the mesh)^2, once it was in the mesh for `activation`.
    public var meshDeliveriesWeight = 0.0
    public var meshDeliveriesDecay = 0.97
    public var meshDeliveriesCap = 100.0
    public var meshDeliveriesThreshold = 20.0
    /// A copy that comes so soon after the first is a delivery too.
    public var meshDeliveriesWindow = Duration.milliseconds(10)
    public var meshDeliveriesActivation = Duration.seconds(60)

    /// P3b: what P3 was when the peer left the mesh.
    public var meshFailureWeight = 0.0
    public var meshFailureDecay = 0.97

    /// P4: (invalid messages)^2. The application's rejects count 1: the bringer may be a node that
    /// checks no votes, so it takes nine at once, or one a second for good, to be graylisted. What
    /// every router must check itself (form and signature) counts `unverifiedCost`.
    public var invalidWeight = -1.0
    public var invalidDecay = 0.9
    public var unverifiedCost = 5.0

    public init() {}

    var isConsistent: Bool {
        let decays = [
            firstDeliveriesDecay, meshDeliveriesDecay, meshFailureDecay, invalidDecay,
        ]
        return decays.allSatisfy { $0 >= 0 && $0 < 1 } && weight >= 0 && timeInMeshWeight >= 0
            && firstDeliveriesWeight >= 0 && meshDeliveriesWeight <= 0 && meshFailureWeight <= 0
            && invalidWeight <= 0 && timeInMeshQuantum > .zero
    }
}
