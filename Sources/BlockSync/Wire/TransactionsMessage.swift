package import Chain
package import SCALE

/// A notification of `/<genesis>/transactions/1`: a sequence of extrinsics.
package struct TransactionsMessage: Sendable, Hashable {
    /// A message has at most this many extrinsics.
    package static let maximumCount = 64
    /// A message has at most this many bytes: it is refused before it is decoded.
    package static let maximumByteCount = 512 << 10

    /// The extrinsics.
    package let extrinsics: [Extrinsic]

    package init(_ extrinsics: [Extrinsic]) { self.extrinsics = extrinsics }
}

extension TransactionsMessage: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) { encoder.appendItems(extrinsics) }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        extrinsics = try decoder.readItems(
            limit: Self.maximumCount, minimumItemByteCount: Extrinsic.minimumByteCount)
    }
}
