import LibP2P
import Primitives
import Testing

/// One side of a negotiation in a transcript.
protocol MultistreamSide {
    mutating func receive(_ bytes: [UInt8])
    mutating func receiveEndOfStream()
    mutating func nextOutput() -> [UInt8]?
    mutating func takeRemaining() -> [UInt8]
    var outcome: MultistreamOutcome { get }
}

extension MultistreamDialer: MultistreamSide {}
extension MultistreamListener: MultistreamSide {}

extension MultistreamSide {
    /// Feeds bytes in pieces of `step` and collects what is sent.
    mutating func feed(_ bytes: [UInt8], step: Int = .max) -> [UInt8] {
        var sent = nextOutput() ?? []
        var rest = bytes[...]
        while !rest.isEmpty {
            receive(Array(rest.prefix(step)))
            rest = rest.dropFirst(step)
            while let output = nextOutput() { sent += output }
        }
        return sent
    }
}

@Suite("multistream-select")
struct MultistreamTests {
    let header = MultistreamMessage.frame("/multistream/1.0.0")
    let na = MultistreamMessage.frame("na")
    let noise = MultistreamMessage.frame("/noise")
    let yamux = MultistreamMessage.frame("/yamux/1.0.0")

    @Test(
        "Messages are framed as in the vectors",
        arguments: SecurityVectors.multistream.messages.sorted { $0.key < $1.key })
    func frames(_ line: String, _ hex: String) throws {
        #expect(MultistreamMessage.frame(line) == (try bytes(hex)))
    }

    @Test("Listings are framed as in the vectors")
    func listings() throws {
        let vector = SecurityVectors.multistream.ls_response
        #expect(MultistreamMessage.listing(vector.protocols) == (try bytes(vector.hex)))
        let empty = try bytes(SecurityVectors.multistream.ls_response_empty)
        #expect(MultistreamMessage.listing([]) == empty)
    }

    @Test("The first proposal is accepted", arguments: [1, 2, 5, .max])
    func accept(step: Int) {
        var dialer = MultistreamDialer(proposals: ["/noise", "/tls/1.0.0"])
        var listener = MultistreamListener(supported: ["/tls/1.0.0", "/noise"])
        #expect(dialer.writableProtocol == nil)
        let proposal = dialer.feed([])
        #expect(proposal == header + noise)
        let answer = listener.feed(proposal, step: step)
        #expect(answer == header + noise)
        #expect(listener.outcome == .agreed("/noise"))
        #expect(dialer.feed(answer, step: step) == [])
        #expect(dialer.outcome == .agreed("/noise"))
        #expect(dialer.writableProtocol == "/noise")
    }

    @Test("After a refusal the next proposal goes out alone", arguments: [1, 3, .max])
    func refuseThenAccept(step: Int) {
        var dialer = MultistreamDialer(proposals: ["/tls/1.0.0", "/noise"])
        var listener = MultistreamListener(supported: ["/noise"])
        let first = listener.feed(dialer.feed([]), step: step)
        #expect(first == header + na)
        let second = dialer.feed(first, step: step)
        #expect(second == noise)
        #expect(dialer.outcome == .pending)
        let third = listener.feed(second, step: step)
        #expect(third == noise)
        #expect(dialer.feed(third, step: step) == [])
        #expect(dialer.outcome == .agreed("/noise"))
        #expect(listener.outcome == .agreed("/noise"))
    }

    @Test("When every proposal is refused the dialer gives up")
    func nothingInCommon() {
        var dialer = MultistreamDialer(proposals: ["/tls/1.0.0", "/secio/1.0.0"])
        #expect(dialer.feed(header + na + na).count > 0)
        #expect(dialer.outcome == .failed(.noCommonProtocol))
        #expect(dialer.writableProtocol == nil)
    }

    @Test("Bytes behind the agreement are handed on exactly", arguments: [1, 2, 7, .max])
    func remaining(step: Int) {
        let data: [UInt8] = [0xFF, 0xFF, 0xFF, 0x00, 0x0A, 0x80]
        var dialer = MultistreamDialer(proposals: ["/noise"], isOptimistic: true)
        let proposal = dialer.feed([])
        #expect(dialer.writableProtocol == "/noise")
        var listener = MultistreamListener(supported: ["/noise"])
        let answer = listener.feed(proposal + data, step: step)
        #expect(listener.outcome == .agreed("/noise"))
        #expect(listener.takeRemaining() == data)
        #expect(dialer.feed(answer + data, step: step) == [])
        #expect(dialer.takeRemaining() == data)
        #expect(dialer.takeRemaining() == [])
    }

    @Test("An optimistic dialer may write only when one proposal is left")
    func optimistic() {
        var dialer = MultistreamDialer(proposals: ["/a", "/b"], isOptimistic: true)
        #expect(dialer.writableProtocol == nil)
        #expect(
            dialer.feed(header + na) == header + MultistreamMessage.frame("/a")
                + MultistreamMessage.frame("/b"))
        #expect(dialer.writableProtocol == "/b")
        #expect(dialer.feed(na) == [])
        #expect(dialer.outcome == .failed(.noCommonProtocol))
        #expect(dialer.writableProtocol == nil)
    }

    @Test("An optimistic proposal that is refused leaves its data as a bad message")
    func optimisticRefusal() {
        var listener = MultistreamListener(supported: ["/noise"])
        let sent = listener.feed(header + yamux + [0x00, 0x00, 0x00, 0x01])
        #expect(sent == header + na)
        #expect(listener.outcome == .failed(.malformedMessage))
        #expect(listener.takeRemaining() == [])
    }

    @Test("A listing is answered and the negotiation goes on")
    func list() {
        var listener = MultistreamListener(supported: ["/a", "/b/1"])
        let sent = listener.feed(
            header + MultistreamMessage.frame("ls") + MultistreamMessage.frame("/a"), step: 1)
        #expect(
            sent == header + MultistreamMessage.listing(["/a", "/b/1"])
                + MultistreamMessage.frame("/a"))
        #expect(listener.outcome == .agreed("/a"))
    }

    @Test("The thirty-third proposal is one too many")
    func tooManyProposals() {
        var listener = MultistreamListener(supported: ["/noise"])
        let refused = (0..<32).flatMap { MultistreamMessage.frame("/x/\($0)") }
        #expect(listener.feed(header + refused).count == header.count + 32 * na.count)
        #expect(listener.outcome == .pending)
        #expect(listener.feed(noise) == [])
        #expect(listener.outcome == .failed(.tooManyProposals))
    }

    static let violations: [(String, [UInt8], MultistreamError)] = [
        (
            "another header", MultistreamMessage.frame("/multistream/2.0.0"),
            .unexpectedHeader("/multistream/2.0.0")
        ),
        (
            "HTTP", Array("GET / HTTP/1.1\r\n\r\n".utf8) + [UInt8](repeating: 0x20, count: 80),
            .malformedMessage
        ),
        ("no newline", [0x02, 0x61, 0x62], .malformedMessage),
        ("an empty message", [0x00], .malformedMessage),
        ("no UTF-8", [0x03, 0xC3, 0x28, 0x0A], .malformedMessage),
        (
            "a length above the limit", [0x81, 0x08],
            .framing(.frameTooLong(byteCount: 1_025, limit: 1_024))
        ),
        ("a length in a long form", [0x80, 0x00], .framing(.malformedLength(.notMinimal))),
        (
            "an endless length", [UInt8](repeating: 0xFF, count: 9),
            .framing(.malformedLength(.tooLong))
        ),
    ]

    @Test("Whatever is no header fails both sides", arguments: violations, [1, .max])
    func violation(_ violation: (name: String, input: [UInt8], error: MultistreamError), step: Int)
    {
        var dialer = MultistreamDialer(proposals: ["/noise"])
        _ = dialer.feed(violation.input, step: step)
        #expect(dialer.outcome == .failed(violation.error))
        var listener = MultistreamListener(supported: ["/noise"])
        #expect(listener.feed(violation.input, step: step) == [])
        #expect(listener.outcome == .failed(violation.error))
        listener.receive(header + noise)
        #expect(listener.outcome == .failed(violation.error))
        #expect(listener.nextOutput() == nil)
    }

    @Test("A proposal without a slash fails the listener, an unasked answer the dialer")
    func unexpectedMessage() {
        var listener = MultistreamListener(supported: ["/noise"])
        _ = listener.feed(header + MultistreamMessage.frame("noise"))
        #expect(listener.outcome == .failed(.unexpectedMessage("noise")))
        var dialer = MultistreamDialer(proposals: ["/noise"])
        _ = dialer.feed(header + yamux)
        #expect(dialer.outcome == .failed(.unexpectedMessage("/yamux/1.0.0")))
    }

    @Test("Names are compared as bytes, not as Unicode texts")
    func bytewise() {
        var listener = MultistreamListener(supported: ["/K"])
        _ = listener.feed(header + MultistreamMessage.frame("/\u{212A}"))
        #expect(listener.outcome == .pending)
        #expect("/K" == "/\u{212A}")
    }

    @Test("The end of the stream fails a negotiation at every byte, and none that is over")
    func endOfStream() {
        let dialogue = header + noise
        for length in 0...dialogue.count {
            let isWhole = length == dialogue.count
            let expected: MultistreamOutcome =
                isWhole ? .agreed("/noise") : .failed(.endOfStream)
            var dialer = MultistreamDialer(proposals: ["/noise"])
            _ = dialer.feed(Array(dialogue[..<length]))
            dialer.receiveEndOfStream()
            #expect(dialer.outcome == expected)
            var listener = MultistreamListener(supported: ["/noise"])
            _ = listener.feed(Array(dialogue[..<length]))
            listener.receiveEndOfStream()
            #expect(listener.outcome == expected)
        }
    }

    @Test(
        "Random bytes never trap and cuts do not matter", arguments: 1...20 as ClosedRange<UInt64>)
    func garbage(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            // Every second run mixes real messages in, so that deeper states are reached.
            var input: [UInt8] = []
            for _ in 0..<6 {
                switch generator.next() % 6 {
                case 0: input += header
                case 1: input += na
                case 2: input += noise
                case 3: input += MultistreamMessage.frame("ls")
                case 4: input += yamux
                default: input += generator.bytes(count: Int(generator.next() % 8))
                }
            }
            let step = Int.random(in: 1...9, using: &generator)
            var whole = MultistreamListener(supported: ["/noise"])
            var cut = whole
            #expect(whole.feed(input) == cut.feed(input, step: step), "seed \(seed): \(input)")
            #expect(whole.outcome == cut.outcome, "seed \(seed): \(input)")
            #expect(whole.takeRemaining() == cut.takeRemaining(), "seed \(seed): \(input)")
            var dialer = MultistreamDialer(proposals: ["/yamux/1.0.0", "/noise"])
            var cutDialer = dialer
            #expect(dialer.feed(input) == cutDialer.feed(input, step: step), "seed \(seed)")
            #expect(dialer.outcome == cutDialer.outcome, "seed \(seed): \(input)")
            #expect(dialer.takeRemaining() == cutDialer.takeRemaining(), "seed \(seed)")
        }
    }
}
