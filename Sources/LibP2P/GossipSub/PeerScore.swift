internal import Primitives

/// What one peer did, as far as its score depends on it (GossipSub 1.1, "Peer Scoring").
struct PeerScore: Sendable {
    /// What it did in one topic.
    struct Topic: Sendable {
        let name: String
        /// Since when it is in the mesh.
        var graftedAt: Instant?
        var firstDeliveries = 0.0
        var meshDeliveries = 0.0
        var meshFailures = 0.0
        var invalid = 0.0

        var isBlank: Bool {
            graftedAt == nil && firstDeliveries == 0 && meshDeliveries == 0 && meshFailures == 0
                && invalid == 0
        }
    }

    /// Sorted by name; only topics that this node takes part in get here.
    private var topics: [Topic] = []
    var misbehaviour = 0.0
    var application = 0.0

    init() {}

    /// Whether nothing speaks for or against the peer.
    var isBlank: Bool { topics.isEmpty && misbehaviour == 0 && application == 0 }

    private mutating func withTopic(_ name: String, _ body: (inout Topic) -> Void) {
        let (index, isPresent) = topics.position(of: name) { $0.name }
        if !isPresent { topics.insert(Topic(name: name), at: index) }
        body(&topics[index])
    }

    mutating func grafted(_ topic: String, now: Instant) {
        withTopic(topic) { topic in
            topic.graftedAt = now
            topic.meshDeliveries = 0
        }
    }

    /// The peer leaves the mesh; a deficit sticks to it.
    mutating func pruned(_ topic: String, _ parameters: TopicScoreParameters, now: Instant) {
        withTopic(topic) { topic in
            let deficit = Self.deficit(topic, parameters, now: now)
            topic.meshFailures += deficit * deficit
            topic.graftedAt = nil
        }
    }

    mutating func deliveredFirst(_ topic: String, _ parameters: TopicScoreParameters) {
        withTopic(topic) { topic in
            topic.firstDeliveries = min(topic.firstDeliveries + 1, parameters.firstDeliveriesCap)
        }
        deliveredInMesh(topic, parameters)
    }

    mutating func deliveredInMesh(_ topic: String, _ parameters: TopicScoreParameters) {
        withTopic(topic) { topic in
            guard topic.graftedAt != nil else { return }
            topic.meshDeliveries = min(topic.meshDeliveries + 1, parameters.meshDeliveriesCap)
        }
    }

    mutating func deliveredInvalid(_ topic: String, cost: Double) {
        withTopic(topic) { $0.invalid += cost }
    }

    /// One interval passes.
    mutating func decay(_ parameters: PeerScoreParameters) {
        func faded(_ value: Double, _ factor: Double) -> Double {
            let next = value * factor
            return next < parameters.decayToZero ? 0 : next
        }
        let topic = parameters.topic
        for index in topics.indices {
            topics[index].firstDeliveries = faded(
                topics[index].firstDeliveries, topic.firstDeliveriesDecay)
            topics[index].meshDeliveries = faded(
                topics[index].meshDeliveries, topic.meshDeliveriesDecay)
            topics[index].meshFailures = faded(topics[index].meshFailures, topic.meshFailureDecay)
            topics[index].invalid = faded(topics[index].invalid, topic.invalidDecay)
        }
        topics.removeAll(where: \.isBlank)
        misbehaviour = faded(misbehaviour, parameters.behaviourDecay)
    }

    /// The score, with as many peers connected from its network address as `colocated`.
    func value(_ parameters: PeerScoreParameters, colocated: Int, now: Instant) -> Double {
        var score = topics.reduce(0) {
            $0 + parameters.topic.weight * Self.value($1, parameters.topic, now: now)
        }
        score = min(score, parameters.topicScoreCap)
        score += parameters.applicationWeight * application
        if colocated > parameters.colocationThreshold {
            let excess = Double(colocated - parameters.colocationThreshold)
            score += parameters.colocationWeight * excess * excess
        }
        if misbehaviour > parameters.behaviourThreshold {
            let excess = misbehaviour - parameters.behaviourThreshold
            score += parameters.behaviourWeight * excess * excess
        }
        return score
    }

    private static func value(
        _ topic: Topic, _ parameters: TopicScoreParameters, now: Instant
    ) -> Double {
        var value = parameters.firstDeliveriesWeight * topic.firstDeliveries
        if let graftedAt = topic.graftedAt {
            let quanta =
                Double((now - graftedAt).clampedNanoseconds)
                / Double(parameters.timeInMeshQuantum.clampedNanoseconds)
            value +=
                parameters.timeInMeshWeight * min(max(0, quanta), parameters.timeInMeshCap)
        }
        let deficit = deficit(topic, parameters, now: now)
        value += parameters.meshDeliveriesWeight * deficit * deficit
        value += parameters.meshFailureWeight * topic.meshFailures
        value += parameters.invalidWeight * topic.invalid * topic.invalid
        return value
    }

    /// By how much the peer's deliveries in the mesh fall short.
    private static func deficit(
        _ topic: Topic, _ parameters: TopicScoreParameters, now: Instant
    ) -> Double {
        guard let graftedAt = topic.graftedAt,
            now - graftedAt >= parameters.meshDeliveriesActivation
        else { return 0 }
        return max(0, parameters.meshDeliveriesThreshold - topic.meshDeliveries)
    }
}
