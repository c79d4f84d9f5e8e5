package import Primitives
package import SCALE

/// A block by its hash and height: what votes, requests and heads point to.
package struct BlockRef: Sendable, Hashable, SCALEEncodable, SCALEDecodable {
    /// The block's hash.
    package let hash: Hash256
    /// The block's height.
    package let number: BlockNumber

    package init(hash: Hash256, number: BlockNumber) {
        self.hash = hash
        self.number = number
    }

    /// Appends the hash, then the height as a fixed-width u32.
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.append(hash)
        encoder.append(number)
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        hash = try decoder.read()
        number = try decoder.read()
    }

    /// Whether fork choice prefers this head to another one: the higher, then the lower hash.
    package func isBetterHead(than other: BlockRef) -> Bool {
        number != other.number ? number > other.number : hash < other.hash
    }
}

extension BlockRef: CustomStringConvertible {
    /// For people: `#17 0x1234…cdef`.
    package var description: String { "#\(number) \(hash.short)" }
}
