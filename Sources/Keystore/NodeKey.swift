package import LibP2P
internal import Primitives

/// The key that a node's peer id stands for: an Ed25519 seed, kept in a file.
///
/// The file is Substrate's: `secret_ed25519` in the chain's network directory, 64 hexadecimal
/// digits, mode 0600.
package enum NodeKey {
    /// The file's name.
    package static let fileName = "secret_ed25519"
    /// 64 digits, perhaps a line's end.
    private static let limit = 256

    /// Reads the key of a network directory.
    package static func load(from directory: String) throws(KeystoreError) -> NodeIdentity {
        let path = "\(directory)/\(fileName)"
        let content = try SecretFile.read(path, limit: limit)
        let found = content.withBytes { Self.identity(hexDigits: UnsafeRawBufferPointer($0)) }
        guard let found else {
            throw .malformed(path: path, reason: "it is not 64 hexadecimal digits")
        }
        return found
    }

    /// Reads the key of a network directory, or makes one if there is none. The directory is made,
    /// too.
    package static func loadOrCreate(
        in directory: String
    ) throws(KeystoreError) -> NodeIdentity {
        do {
            return try load(from: directory)
        } catch .missing {
            return try create(in: directory)
        }
    }

    /// Makes a key and writes it to the network directory.
    ///
    /// - Throws: `alreadyExists` when there is one.
    package static func create(in directory: String) throws(KeystoreError) -> NodeIdentity {
        try SecretFile.createDirectory(directory)
        let digits = try SystemRandomness.bytes(count: NodeIdentity.seedByteCount).hexDigits()
        try SecretFile.create(fileName, in: directory, content: digits)
        return try load(from: directory)
    }

    /// The key of 64 hexadecimal digits, as `--node-key` takes it; nil for any other text.
    package static func identity(hex text: String) -> NodeIdentity? {
        var text = text
        return text.withUTF8 { identity(hexDigits: UnsafeRawBufferPointer($0)) }
    }

    private static func identity(hexDigits digits: UnsafeRawBufferPointer) -> NodeIdentity? {
        var digits = digits
        while let last = digits.last, last == 0x0A || last == 0x0D {
            digits = .init(rebasing: digits.dropLast())
        }
        if digits.count == 66, digits[0] == UInt8(ascii: "0"), digits[1] == UInt8(ascii: "x") {
            digits = .init(rebasing: digits.dropFirst(2))
        }
        guard digits.count == 2 * NodeIdentity.seedByteCount,
            let seed = SecretBytes.reading(hexDigits: digits)
        else { return nil }
        return seed.withBytes {
            NodeIdentity(seed: UnsafeBufferPointer($0.assumingMemoryBound(to: UInt8.self)).span)
        }
    }
}
