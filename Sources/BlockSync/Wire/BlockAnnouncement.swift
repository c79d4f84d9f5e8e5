package import Chain
package import SCALE

/// A notification of `/<genesis>/block-announces/1`: header, whether it is the sender's best head,
/// and data, which this chain leaves empty.
package struct BlockAnnouncement: Sendable, Hashable {
    /// The data may have this many bytes.
    package static let maximumDataByteCount = 1_024

    /// The header.
    package let header: Header
    /// Whether the block is the sender's best head.
    package let isBest: Bool
    /// Not looked at.
    package let data: [UInt8]

    package init(header: Header, isBest: Bool, data: [UInt8] = []) {
        self.header = header
        self.isBest = isBest
        self.data = data
    }
}

extension BlockAnnouncement: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.append(header)
        encoder.append(UInt8(isBest ? 1 : 0))
        encoder.appendBytes(data)
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        header = try decoder.read()
        isBest = try decoder.readBool()
        data = try decoder.readBytes(limit: Self.maximumDataByteCount)
    }
}
