/// How a connection can be encrypted; the better ones first.
public enum SecurityProtocol: Sendable, Hashable, CaseIterable {
    /// Noise XXhfs with X25519 and ML-KEM-768: what is recorded today stays secret from a later
    /// quantum computer. Under a private name, since the public drafts are not settled.
    case hybridNoise
    /// Noise XX with X25519: what every libp2p node speaks.
    case noise

    /// The name that is negotiated.
    public var name: String {
        switch self {
        case .hybridNoise: "/quantumharmony/noise-xxhfs-mlkem768/1"
        case .noise: "/noise"
        }
    }

    var pattern: NoiseHandshakePattern {
        switch self {
        case .hybridNoise: .xxHybrid
        case .noise: .xx
        }
    }
}

/// Which of them a node uses.
public enum SecurityPolicy: Sendable, Hashable, CaseIterable {
    /// Only Noise XX, as stock peers do.
    case classical
    /// The hybrid with whoever has it, else Noise XX.
    case preferHybrid
    /// Only the hybrid: no connection with other peers.
    case requireHybrid

    /// What is proposed and accepted, best first.
    public var protocols: [SecurityProtocol] {
        switch self {
        case .classical: [.noise]
        case .preferHybrid: [.hybridNoise, .noise]
        case .requireHybrid: [.hybridNoise]
        }
    }
}
