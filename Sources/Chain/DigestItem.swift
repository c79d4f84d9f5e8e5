package import SCALE

/// An entry of a header's digest. Indices and layouts are Substrate's; the withdrawn indices
/// 1, 2, 3 and 7 are refused.
package enum DigestItem: Sendable, Hashable {
    /// Bytes without a meaning to consensus: index 0.
    case other([UInt8])
    /// A message from the state transition to a consensus engine: index 4.
    case consensus(EngineID, [UInt8])
    /// The author's signature, the last item of a header: index 5.
    case seal(EngineID, [UInt8])
    /// What the state transition has to know beforehand, such as the slot: index 6.
    case preRuntime(EngineID, [UInt8])
    /// The rules changed with this block: index 8.
    case runtimeEnvironmentUpdated
}

extension DigestItem: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        switch self {
        case .other(let bytes):
            encoder.append(UInt8(0))
            encoder.appendBytes(bytes)
        case .consensus(let engine, let bytes): Self.append(4, engine, bytes, to: &encoder)
        case .seal(let engine, let bytes): Self.append(5, engine, bytes, to: &encoder)
        case .preRuntime(let engine, let bytes): Self.append(6, engine, bytes, to: &encoder)
        case .runtimeEnvironmentUpdated: encoder.append(UInt8(8))
        }
    }

    private static func append(
        _ index: UInt8, _ engine: EngineID, _ bytes: [UInt8], to encoder: inout SCALEEncoder
    ) {
        encoder.append(index)
        encoder.append(engine)
        encoder.appendBytes(bytes)
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        let index = try decoder.readByte()
        switch index {
        case 0: self = .other(try decoder.readBytes(limit: Header.maximumByteCount))
        case 4, 5, 6:
            let engine = try decoder.read(EngineID.self)
            let bytes = try decoder.readBytes(limit: Header.maximumByteCount)
            self =
                switch index {
                case 4: .consensus(engine, bytes)
                case 5: .seal(engine, bytes)
                default: .preRuntime(engine, bytes)
                }
        case 8: self = .runtimeEnvironmentUpdated
        default: throw .invalidIndex(offset: start, index: index)
        }
    }
}
