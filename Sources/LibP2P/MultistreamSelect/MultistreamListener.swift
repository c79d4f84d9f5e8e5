/// The side that accepts a stream and chooses among the protocols proposed for it
/// (multistream-select 1.0).
///
/// It answers the header with the header, a supported name with the name, `ls` with a list, and any
/// other name with `na`, up to 32 times. A byte mover like `MultistreamDialer`: a dialer may send
/// the protocol's own data right behind its proposal, and `takeRemaining` gives it out.
public struct MultistreamListener: Sendable {
    private let supported: [String]
    private var isHeaderReceived = false
    private var answerCount = 0
    private var exchange = MultistreamExchange()

    /// A negotiation that accepts any of the given protocol names.
    public init(supported: [String]) {
        precondition(supported.allSatisfy(MultistreamMessage.isProtocolName))
        self.supported = supported
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
            exchange.send(MultistreamMessage.header)
            return
        }
        guard answerCount < MultistreamMessage.maximumProposalCount else {
            exchange.fail(.tooManyProposals)
            return
        }
        answerCount += 1
        if let name = supported.first(where: line.isSameName) {
            exchange.send(name)
            exchange.agree(on: name)
        } else if line.isSameName(as: MultistreamMessage.list) {
            exchange.sendListing(of: supported)
        } else if line.utf8.first == UInt8(ascii: "/") {
            exchange.send(MultistreamMessage.notAvailable)
        } else {
            exchange.fail(.unexpectedMessage(line))
        }
    }
}
