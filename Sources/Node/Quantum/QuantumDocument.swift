import Foundation
internal import Coherence
internal import Primitives

/// The JSON form of a validator's quantum measurement, as `--quantum-source` reads it.
///
/// Fields (all required, integers unless said otherwise):
/// - `measured_at_unix_ms`: when it was measured, milliseconds since 1970-01-01 UTC.
/// - `valid_proofs`, `rejected_proofs`, `reporter_count`: counts, 0 to 2^32 - 1.
/// - `average_qber_basis_points`, `min_qber_basis_points`, `max_qber_basis_points`: the quantum bit
///   error rate in 1/100 of a percent (50 is 0.5 %), 0 to 10,000, min <= average <= max.
/// - `entropy_pool_hash`: text, `0x` and 64 hexadecimal digits.
package struct QuantumDocument: Codable, Equatable {
    package let measuredAtUnixMilliseconds: UInt64
    package let validProofs: UInt32
    package let rejectedProofs: UInt32
    package let reporterCount: UInt32
    package let averageQBER: UInt32
    package let minimumQBER: UInt32
    package let maximumQBER: UInt32
    package let entropyPoolHash: String

    package enum CodingKeys: String, CodingKey {
        case measuredAtUnixMilliseconds = "measured_at_unix_ms"
        case validProofs = "valid_proofs"
        case rejectedProofs = "rejected_proofs"
        case reporterCount = "reporter_count"
        case averageQBER = "average_qber_basis_points"
        case minimumQBER = "min_qber_basis_points"
        case maximumQBER = "max_qber_basis_points"
        case entropyPoolHash = "entropy_pool_hash"
    }

    /// The most bytes a document may have.
    package static let maximumByteCount = 64 * 1024

    /// Why a document gives no measurement.
    package enum Invalid: Error, Equatable, CustomStringConvertible {
        case tooLarge
        case malformed(String)
        case outOfRange(String)

        package var description: String {
            switch self {
            case .tooLarge: "the document is larger than \(maximumByteCount) bytes"
            case .malformed(let why): "the document is not the expected JSON: \(why)"
            case .outOfRange(let why): why
            }
        }
    }

    /// Reads a document.
    package static func parse(_ bytes: [UInt8]) throws(Invalid) -> QuantumDocument {
        guard bytes.count <= maximumByteCount else { throw .tooLarge }
        let document: QuantumDocument
        do {
            document = try JSONDecoder().decode(QuantumDocument.self, from: Foundation.Data(bytes))
        } catch DecodingError.keyNotFound(let key, _) {
            throw .malformed("the field \(key.stringValue) is missing")
        } catch DecodingError.typeMismatch(_, let context),
            DecodingError.valueNotFound(_, let context), DecodingError.dataCorrupted(let context)
        {
            let field = context.codingPath.last?.stringValue ?? "the document"
            throw .malformed("\(field) has a wrong type or value")
        } catch {
            throw .malformed("it cannot be decoded")
        }
        guard document.minimumQBER <= document.averageQBER,
            document.averageQBER <= document.maximumQBER, document.maximumQBER <= 10_000
        else {
            throw .outOfRange("QBER must satisfy min <= average <= max <= 10000 basis points")
        }
        guard document.entropyPoolHash.hasPrefix("0x"),
            Hash256(hex: document.entropyPoolHash) != nil
        else {
            throw .outOfRange("entropy_pool_hash is not 0x and 64 hexadecimal digits")
        }
        return document
    }
}
