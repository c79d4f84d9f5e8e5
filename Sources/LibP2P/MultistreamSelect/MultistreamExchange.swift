/// What both sides of a negotiation share: lines in, lines out, the outcome, and the bytes that
/// came behind the agreement.
struct MultistreamExchange: Sendable {
    private var frames = LengthPrefixedDecoder(
        maximumByteCount: MultistreamMessage.maximumByteCount)
    private var output: [UInt8] = []
    private var early: [UInt8] = []
    private(set) var outcome = MultistreamOutcome.pending

    mutating func receive(_ bytes: ArraySlice<UInt8>) {
        switch outcome {
        case .pending: frames.receive(bytes)
        case .agreed: early.append(contentsOf: bytes)
        case .failed: break
        }
    }

    /// The next line while the outcome is pending; nil when more bytes are needed, and when what
    /// arrived is no line, which is the outcome then.
    mutating func nextLine() -> String? {
        guard outcome == .pending else { return nil }
        do {
            guard let content = try frames.nextFrame() else { return nil }
            guard let line = MultistreamMessage.line(content) else {
                fail(.malformedMessage)
                return nil
            }
            return line
        } catch {
            fail(.framing(error))
            return nil
        }
    }

    mutating func send(_ line: String) { MultistreamMessage.append(line, to: &output) }

    mutating func sendListing(of names: [String]) {
        output += MultistreamMessage.listing(names)
    }

    mutating func agree(on name: String) {
        outcome = .agreed(name)
        early = frames.takeRemaining()
    }

    mutating func fail(_ error: MultistreamError) { outcome = .failed(error) }

    mutating func receiveEndOfStream() {
        if outcome == .pending { fail(.endOfStream) }
    }

    mutating func nextOutput() -> [UInt8]? {
        guard !output.isEmpty else { return nil }
        defer { output = [] }
        return output
    }

    mutating func takeRemaining() -> [UInt8] {
        defer { early = [] }
        return early
    }
}
