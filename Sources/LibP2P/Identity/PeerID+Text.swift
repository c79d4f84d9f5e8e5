extension PeerID: CustomStringConvertible {
    /// Version 1 and the codec of libp2p keys, before the multihash.
    private static let cidPrefix: [UInt8] = [0x01, 0x72]

    /// The base58btc form that everybody prints: `12D3KooW…` (52 characters) or `Qm…` (46).
    public var description: String { RadixEncoding.base58.encode(bytes) }

    /// The content identifier in base32, `b…`.
    public var cidBase32: String { "b" + BitEncoding.base32.encode(Self.cidPrefix + bytes) }

    /// The content identifier in base36, `k…`.
    public var cidBase36: String { "k" + RadixEncoding.base36.encode(Self.cidPrefix + bytes) }

    /// Reads base58btc (`1…`, `Qm…`) or a content identifier in any multibase that is in use.
    public init(_ text: some StringProtocol) throws(PeerIDError) {
        if text.hasPrefix("1") || text.hasPrefix("Qm") {
            guard let bytes = RadixEncoding.base58.decode(text) else { throw .malformedText }
            try self.init(bytes: bytes)
            return
        }
        guard text.utf8.count <= RadixEncoding.maximumTextByteCount,
            let identifier = Multibase.decode(text)
        else { throw .malformedText }
        guard identifier.starts(with: Self.cidPrefix) else { throw .notPeerCID }
        try self.init(bytes: identifier.dropFirst(Self.cidPrefix.count))
    }

    /// The last six characters of the base58btc form, for logs.
    public var short: String { String(description.suffix(6)) }
}
