internal import LibP2P
internal import Primitives

/// What every multiplexer has to do.
public enum MuxerCheck: String, Sendable, CaseIterable {
    case exchange = "streams of both sides carry bytes both ways, in order"
    case halfClose = "one direction ends, the other one goes on"
    case reset = "a reset ends its stream and no other"
    case backPressure = "a reader that waits holds up its stream and no other"
    case concurrentStreams = "many streams at once keep their bytes apart"
    case splits = "bytes mean the same, wherever they are split"
    case streamLimit = "more streams than allowed are refused, and the others go on"
    case close = "the end of a session is told, and final"
    case hostileBytes = "altered and random bytes end the session at worst"
}

/// Holds a multiplexer against what libp2p's streams rely on (libp2p connection establishment
/// specification, yamux specification). Pure: the same seed repeats everything.
public struct MuxerConformance<Implementation: MuxerImplementation>: Sendable {
    typealias Pair = MuxerPair<Implementation.Endpoint>
    typealias StreamID = Implementation.Endpoint.StreamID

    let implementation: Implementation

    /// Checks of an implementation.
    public init(_ implementation: Implementation) { self.implementation = implementation }

    /// Makes all checks; throws the first failure.
    public func run(seed: UInt64) throws(ConformanceFailure) {
        for check in MuxerCheck.allCases { try run(check, seed: seed) }
    }

    /// Makes one check.
    public func run(_ check: MuxerCheck, seed: UInt64) throws(ConformanceFailure) {
        do throws(Finding) {
            var generator = SeededGenerator(seed: seed)
            switch check {
            case .exchange: try checkExchange(using: &generator)
            case .halfClose: try checkHalfClose(using: &generator)
            case .reset: try checkReset()
            case .backPressure: try checkBackPressure(using: &generator)
            case .concurrentStreams: try checkConcurrentStreams(using: &generator)
            case .splits: try checkSplits(using: &generator)
            case .streamLimit: try checkStreamLimit()
            case .close: try checkClose()
            case .hostileBytes: try checkHostileBytes(using: &generator)
            }
        } catch {
            throw ConformanceFailure(
                implementation: implementation.name, check: check.rawValue,
                detail: error.description, seed: seed)
        }
    }

    func makePair() -> Pair { Pair(implementation) }
}
