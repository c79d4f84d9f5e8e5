package import Primitives
package import SCALE

/// What a chain specification fixes for ever. Part of the state, so that two specifications that
/// differ anywhere have different genesis hashes.
package struct ChainConstants: Sendable, Hashable {
    /// An identifier has at most this many bytes of UTF-8.
    package static let maximumIdentifierByteCount = 64

    /// The version of the chain's rules.
    package let specVersion: UInt32
    /// The chain's name for machines, 1 to 64 bytes.
    package let chainID: String
    /// Tells chains of one name apart, 1 to 64 bytes, or nil.
    package let forkID: String?
    /// A slot of block authorship lasts so long, in milliseconds, at least 1.
    package let slotDurationMilliseconds: UInt64
    /// How long voting rounds wait.
    package let votingTimings: VotingTimings
    /// How many votes make a supermajority.
    package let policy: QuorumPolicy
    /// Validator sets change at heights that are multiples of this many blocks; 0: never.
    package let sessionLength: UInt32
    /// Whether evidence of a double vote excludes the offender from the next set.
    package let excludesEquivocators: Bool

    /// Why constants cannot be those of a chain.
    package enum Invalid: Error, Sendable, Equatable {
        /// The chain id is empty or too long.
        case chainID
        /// The fork id is empty or too long.
        case forkID
        /// A slot must last 1 ms to 24 h.
        case slotDuration(milliseconds: UInt64)
    }

    package init(
        specVersion: UInt32, chainID: String, forkID: String? = nil,
        slotDurationMilliseconds: UInt64, votingTimings: VotingTimings = .standard,
        policy: QuorumPolicy, sessionLength: UInt32 = 0, excludesEquivocators: Bool = true
    ) throws(Invalid) {
        guard Self.isIdentifier(chainID) else { throw .chainID }
        if let forkID, !Self.isIdentifier(forkID) { throw .forkID }
        guard slotDurationMilliseconds >= 1, slotDurationMilliseconds <= 86_400_000 else {
            throw .slotDuration(milliseconds: slotDurationMilliseconds)
        }
        self.specVersion = specVersion
        self.chainID = chainID
        self.forkID = forkID
        self.slotDurationMilliseconds = slotDurationMilliseconds
        self.votingTimings = votingTimings
        self.policy = policy
        self.sessionLength = sessionLength
        self.excludesEquivocators = excludesEquivocators
    }

    private static func isIdentifier(_ text: String) -> Bool {
        (1...maximumIdentifierByteCount).contains(text.utf8.count)
    }

    /// The slot at a point of Unix time.
    package func slot(atUnixMilliseconds milliseconds: UInt64) -> SlotNumber {
        SlotNumber(milliseconds / slotDurationMilliseconds)
    }

    /// When a slot begins, in milliseconds of Unix time, clamped to what a UInt64 holds.
    package func unixMillisecondsOfStart(of slot: SlotNumber) -> UInt64 {
        let (product, overflow) =
            slot.rawValue.multipliedReportingOverflow(by: slotDurationMilliseconds)
        return overflow ? .max : product
    }

    /// Whether a session ends with the block of this height, so that it may hand over.
    package func isSessionEnd(_ number: BlockNumber) -> Bool {
        sessionLength > 0 && number.rawValue > 0 && number.rawValue % sessionLength == 0
    }
}

extension ChainConstants: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.append(specVersion)
        encoder.append(chainID)
        if let forkID {
            encoder.append(UInt8(1))
            encoder.append(forkID)
        } else {
            encoder.append(UInt8(0))
        }
        encoder.append(slotDurationMilliseconds)
        encoder.append(votingTimings)
        encoder.append(policy)
        encoder.append(sessionLength)
        encoder.append(excludesEquivocators)
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        let specVersion = try decoder.readInteger(UInt32.self)
        let chainID = try decoder.readString(limit: Self.maximumIdentifierByteCount)
        let forkID: String? =
            try decoder.readBool()
            ? try decoder.readString(limit: Self.maximumIdentifierByteCount) : nil
        let slotDuration = try decoder.readInteger(UInt64.self)
        let timings = try decoder.read(VotingTimings.self)
        let policy = try decoder.read(QuorumPolicy.self)
        let sessionLength = try decoder.readInteger(UInt32.self)
        let excludesEquivocators = try decoder.readBool()
        do {
            try self.init(
                specVersion: specVersion, chainID: chainID, forkID: forkID,
                slotDurationMilliseconds: slotDuration, votingTimings: timings, policy: policy,
                sessionLength: sessionLength, excludesEquivocators: excludesEquivocators)
        } catch {
            throw .invalidValue(offset: start, reason: "not a chain's constants: \(error)")
        }
    }
}
