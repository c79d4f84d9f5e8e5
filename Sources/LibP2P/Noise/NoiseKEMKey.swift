internal import Crypto
internal import Primitives

/// An ML-KEM-768 key (FIPS 203) of the initiator of one hybrid handshake.
///
/// The secret lives in a buffer of swift-crypto that is wiped when the last copy goes.
public struct NoiseKEMKey: Sendable {
    /// The bytes of the seed, d and then z (FIPS 203, algorithm 16).
    public static let seedByteCount = 64
    /// The bytes of an encapsulation key.
    public static let publicKeyByteCount = 1_184
    /// The bytes of a ciphertext, which carries a shared secret.
    public static let ciphertextByteCount = 1_088

    private let key: MLKEM768.PrivateKey
    /// The encapsulation key.
    public let publicKey: [UInt8]

    /// The key of a seed of exactly 64 bytes; nil for any other count.
    public init?(seed: [UInt8]) {
        guard seed.count == Self.seedByteCount,
            let key = try? MLKEM768.PrivateKey(seedRepresentation: seed, publicKey: nil)
        else { return nil }
        self.key = key
        publicKey = Array(key.publicKey.rawRepresentation)
    }

    /// A fresh key from a generator, which for a real connection is the system's.
    public init(using generator: inout some RandomNumberGenerator) {
        var seed: [UInt8] = []
        seed.reserveCapacity(Self.seedByteCount)
        while seed.count < Self.seedByteCount {
            seed.append(contentsOf: generator.next().bigEndianBytes)
        }
        guard let key = NoiseKEMKey(seed: seed) else {
            preconditionFailure("64 bytes are a seed")
        }
        wipe(&seed)
        self = key
    }

    /// The secret that a ciphertext of 1,088 bytes carries. One that was not made for this key
    /// gives a secret that nobody knows (implicit rejection): the next message does not decrypt.
    func sharedSecret(in ciphertext: [UInt8]) throws(NoiseError) -> SymmetricKey {
        do {
            return try key.decapsulate(ciphertext)
        } catch {
            throw .messageTooShort(byteCount: ciphertext.count)
        }
    }
}

extension NoiseKEMKey: CustomStringConvertible, CustomDebugStringConvertible {
    /// Nothing of the secret gets into a log.
    public var description: String { "ML-KEM-768 key" }
    public var debugDescription: String { description }
}

/// The other side's encapsulation key.
struct NoiseKEMPublicKey: Sendable {
    private let key: MLKEM768.PublicKey

    /// Takes 1,184 bytes whose coefficients are reduced (FIPS 203, section 7.2).
    init(_ bytes: [UInt8]) throws(NoiseError) {
        do {
            key = try MLKEM768.PublicKey(rawRepresentation: bytes)
        } catch {
            throw .invalidEncapsulationKey
        }
    }

    /// A fresh secret and the ciphertext that carries it.
    ///
    /// The randomness is the library's own, from the system: swift-crypto takes none.
    func encapsulate() -> (ciphertext: [UInt8], secret: SymmetricKey) {
        do {
            let result = try key.encapsulate()
            return (Array(result.encapsulated), result.sharedSecret)
        } catch {
            preconditionFailure("a key that was checked encapsulates: \(error)")
        }
    }
}
