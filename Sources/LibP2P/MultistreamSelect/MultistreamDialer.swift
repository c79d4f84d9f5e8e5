/// The side that opens a stream and proposes protocols for it (multistream-select 1.0).
///
/// It sends the header with the first proposal, and after each `na` the next one. With
/// `isOptimistic`, the application may already write when only one proposal is left, because no
/// other answer than yes makes the stream useful; the answer is still awaited before anything is
/// read.
///
/// A byte mover: `receive` what arrived, send what `nextOutput` gives, look at `outcome`. Bytes
/// that come behind the agreement belong to the protocol: `takeRemaining`.
public struct MultistreamDialer: Sendable {
    private let proposals: [String]
    private let isOptimistic: Bool
    private var position = 0
    private var isHeaderReceived = false
    private var exchange = MultistreamExchange()

    /// A negotiation of the given protocol names, best first: at least one, each with a slash in
    /// front and at most 1,023 bytes long.
    public init(proposals: [String], isOptimistic: Bool = false) {
        precondition(!proposals.isEmpty)
        precondition(proposals.allSatisfy(MultistreamMessage.isProtocolName))
        self.proposals = proposals
        self.isOptimistic = isOptimistic
        exchange.send(MultistreamMessage.header)
        exchange.send(proposals[0])
    }

    /// The protocol that the application may write in, after what `nextOutput` gives: the agreed
    /// one, or optimistically the only one left. Nil while it must wait and after a failure.
    public var writableProtocol: String? {
        switch outcome {
        case .agreed(let name): name
        case .pending: isOptimistic && position == proposals.count - 1 ? proposals[position] : nil
        case .failed: nil
        }
    }

    /// Takes bytes from the peer.
    public mutating func receive(_ bytes: ArraySlice<UInt8>) {
        exchange.receive(bytes)
        while let line = exchange.nextLine() { handle(line) }
    }

    /// Takes bytes from the peer.
    public mutating func receive(_ bytes: [UInt8]) { receive(bytes[...]) }

    /// The peer will send nothing more.
    public mutating func receiveEndOfStream() { exchange.receiveEndOfStream() }

    /// The bytes to be sent next, nil when there are none.
    public mutating func nextOutput() -> [UInt8]? { exchange.nextOutput() }

    /// The bytes that came behind the agreement: the beginning of the protocol's own data.
    public mutating func takeRemaining() -> [UInt8] { exchange.takeRemaining() }

    /// Where the negotiation stands.
    public var outcome: MultistreamOutcome { exchange.outcome }

    private mutating func handle(_ line: String) {
        guard isHeaderReceived else {
            guard line.isSameName(as: MultistreamMessage.header) else {
                exchange.fail(.unexpectedHeader(line))
                return
            }
            isHeaderReceived = true
            return
        }
        if line.isSameName(as: proposals[position]) {
            exchange.agree(on: line)
        } else if line.isSameName(as: MultistreamMessage.notAvailable) {
            guard position + 1 < proposals.count else {
                exchange.fail(.noCommonProtocol)
                return
            }
            position += 1
            exchange.send(proposals[position])
        } else {
            exchange.fail(.unexpectedMessage(line))
        }
    }
}
