internal import Primitives
internal import SCALE

/// A secret key as Substrate's tools write it: `phrase//hard/soft///password`.
///
/// In the phrase's place may stand a seed, `0x` and 64 hexadecimal digits, or nothing, which means
/// the development phrase that everybody knows.
package struct SecretURI: Sendable {
    /// The most bytes that are read.
    package static let maximumByteCount = 1_024
    /// The most junctions that are followed.
    package static let maximumJunctionCount = 32

    /// One step from a key to another one.
    package struct Junction: Sendable, Hashable {
        /// Whether only the secret key leads to the next key, not the public key alone.
        package let isHard: Bool
        /// What the step is told apart by, 32 bytes.
        package let chainCode: [UInt8]

        /// A decimal number of 64 bits is written as such, everything else as a SCALE string,
        /// hashed when that has more than 32 bytes.
        init(_ text: Substring, isHard: Bool) {
            self.isHard = isHard
            let isNumber = text.utf8.allSatisfy { (0x30...0x39).contains($0) }
            let bytes =
                isNumber
                ? UInt64(text).map { Self.littleEndian($0) } ?? Self.encoded(text)
                : Self.encoded(text)
            chainCode =
                bytes.count > 32
                ? BLAKE2b256.hash(bytes).bytes
                : bytes + [UInt8](repeating: 0, count: 32 - bytes.count)
        }

        private static func littleEndian(_ number: UInt64) -> [UInt8] {
            (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        }

        private static func encoded(_ text: Substring) -> [UInt8] {
            var encoder = SCALEEncoder(capacity: text.utf8.count + 4)
            encoder.appendBytes(Array(text.utf8))
            return encoder.bytes
        }
    }

    /// The URI as it was written.
    let text: String
    /// What stands before the junctions; nil for the development phrase.
    package let root: String?
    /// The steps from the root's key on.
    package let junctions: [Junction]
    /// What the phrase is stretched with; empty when there is none.
    package let password: String

    /// Reads a URI.
    ///
    /// - Throws: `invalidURI`.
    package init(_ text: String) throws(KeystoreError) {
        guard text.utf8.count <= Self.maximumByteCount else {
            throw .invalidURI(reason: "it has more than \(Self.maximumByteCount) bytes")
        }
        self.text = text
        var rest = Substring(text)
        if let slashes = Self.passwordMark(in: text) {
            rest = text[..<slashes]
            password = String(text[text.index(slashes, offsetBy: 3)...])
        } else {
            password = ""
        }
        let head = rest.prefix { $0 != "/" }
        rest = rest.dropFirst(head.count)
        root = head.isEmpty ? nil : String(head)
        var junctions: [Junction] = []
        while !rest.isEmpty {
            let isHard = rest.hasPrefix("//")
            rest = rest.dropFirst(isHard ? 2 : 1)
            let name = rest.prefix { $0 != "/" }
            guard !name.isEmpty else {
                throw .invalidURI(reason: "a junction has no name")
            }
            guard junctions.count < Self.maximumJunctionCount else {
                throw .invalidURI(reason: "it has more than \(Self.maximumJunctionCount) junctions")
            }
            junctions.append(Junction(name, isHard: isHard))
            rest = rest.dropFirst(name.count)
        }
        guard root != nil || !junctions.isEmpty else { throw .invalidURI(reason: "it is empty") }
        self.junctions = junctions
    }

    /// Where the first `///` stands.
    private static func passwordMark(in text: String) -> String.Index? {
        var place = text.startIndex
        while place < text.endIndex {
            if text[place...].hasPrefix("///") { return place }
            place = text.index(after: place)
        }
        return nil
    }

    /// The seed of 32 bytes that the root names, before any junction.
    package func seed() throws(KeystoreError) -> SecretBytes {
        guard var root, !root.hasPrefix("0x") else {
            if let root { return try Self.seed(hex: root, hasPassword: !password.isEmpty) }
            return try SecretPhrase(SecretPhrase.development).seed(password: password)
        }
        while root.hasSuffix(" ") { root.removeLast() }
        return try SecretPhrase(root).seed(password: password)
    }

    private static func seed(
        hex root: String, hasPassword: Bool
    ) throws(KeystoreError) -> SecretBytes {
        guard !hasPassword else {
            throw .invalidURI(reason: "a password belongs to a phrase, not to a seed")
        }
        let digits = root.dropFirst(2)
        let text = SecretBytes(copying: Array(digits.utf8))
        let seed = text.withBytes { SecretBytes.reading(hexDigits: UnsafeRawBufferPointer($0)) }
        guard let seed, seed.count == SecretPhrase.seedByteCount else {
            throw .invalidURI(reason: "a seed is 0x and 64 hexadecimal digits")
        }
        return seed
    }
}
