package import SCALE

/// The four bytes that say whose digest item or justification this is.
package struct EngineID: Sendable, Hashable {
    private let value: UInt32

    /// Slots of block authorship: `aura`.
    package static let aura = EngineID(value: 0x6175_7261)
    /// Seals by a Falcon-1024 key: `FALC`.
    package static let falcon = EngineID(value: 0x4641_4C43)
    /// Finality certificates: `COHR`.
    package static let coherence = EngineID(value: 0x434F_4852)

    private init(value: UInt32) { self.value = value }

    /// Takes exactly four bytes; nil for any other count.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == 4 else { return nil }
        value = bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The four bytes.
    package var bytes: [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }
}

extension EngineID: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) { encoder.appendRaw(bytes) }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        value = try decoder.readInteger(UInt32.self).byteSwapped
    }
}

extension EngineID: CustomStringConvertible {
    /// The four bytes as text.
    package var description: String { String(decoding: bytes, as: UTF8.self) }
}
