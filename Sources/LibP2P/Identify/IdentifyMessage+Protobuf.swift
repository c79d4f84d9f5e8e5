internal import SwiftProtobuf

/// Why received bytes are no identify message.
public enum IdentifyError: Error, Sendable, Equatable {
    /// No length prefix, or one above the limit.
    case framing(FramingError)
    /// Not a protobuf message of this kind.
    case malformed
    /// More parts than `IdentifyLimits.maximumParts`.
    case tooManyParts
    /// The stream ended inside a part.
    case truncated
    /// The stream ended without a message.
    case empty
}

extension IdentifyMessage {
    /// Reads a protobuf message without length prefix; unknown fields are skipped.
    public init(protobuf bytes: [UInt8]) throws(IdentifyError) {
        let message: Libp2p_Identify_Identify
        do {
            message = try Libp2p_Identify_Identify(serializedBytes: bytes)
        } catch {
            throw .malformed
        }
        self.init(
            protocolVersion: message.hasProtocolVersion ? message.protocolVersion : nil,
            agentVersion: message.hasAgentVersion ? message.agentVersion : nil,
            publicKeyBytes: message.hasPublicKey ? [UInt8](message.publicKey) : nil,
            listenAddressBytes: message.listenAddrs.map { [UInt8]($0) },
            observedAddressBytes: message.hasObservedAddr ? [UInt8](message.observedAddr) : nil,
            protocols: message.protocols,
            signedPeerRecord: message.hasSignedPeerRecord
                ? [UInt8](message.signedPeerRecord) : nil)
        keepBounds()
    }

    /// The protobuf message, of at most 4,000 bytes: a longer one loses the signed record, then
    /// addresses from the end of the list (at most 16 go out anyway), then protocols, then texts.
    public var protobuf: [UInt8] {
        var fitting = self
        fitting.listenAddressBytes = Array(
            listenAddressBytes.prefix(IdentifyLimits.maximumSentAddresses))
        var bytes = fitting.encoded
        while bytes.count > IdentifyLimits.maximumSentByteCount, fitting.shrink() {
            bytes = fitting.encoded
        }
        return bytes
    }

    /// The message as it is written to a stream: length, then protobuf.
    public var framed: [UInt8] {
        var output: [UInt8] = []
        UnsignedVarint.appendLengthPrefixed(protobuf, to: &output)
        return output
    }

    private mutating func shrink() -> Bool {
        if signedPeerRecord != nil {
            signedPeerRecord = nil
        } else if !listenAddressBytes.isEmpty {
            listenAddressBytes.removeLast()
        } else if !protocols.isEmpty {
            protocols.removeLast()
        } else if observedAddressBytes != nil {
            observedAddressBytes = nil
        } else if agentVersion != nil {
            agentVersion = nil
        } else if protocolVersion != nil {
            protocolVersion = nil
        } else {
            return false
        }
        return true
    }

    private var encoded: [UInt8] {
        var message = Libp2p_Identify_Identify()
        if let protocolVersion { message.protocolVersion = protocolVersion }
        if let agentVersion { message.agentVersion = agentVersion }
        if let publicKeyBytes { message.publicKey = field(publicKeyBytes) }
        message.listenAddrs = listenAddressBytes.map { field($0) }
        if let observedAddressBytes { message.observedAddr = field(observedAddressBytes) }
        message.protocols = protocols
        if let signedPeerRecord { message.signedPeerRecord = field(signedPeerRecord) }
        do {
            return try message.serializedBytes()
        } catch {
            preconditionFailure("a message without required fields can be written: \(error)")
        }
    }
    /// Bytes in the type that the generated code has for them.
    private func field<Field: RangeReplaceableCollection<UInt8>>(_ bytes: [UInt8]) -> Field {
        Field(bytes)
    }
}
