import Primitives
import Simulation
import Testing

struct KeyedHashSchemeTests {
    private let key = KeyedHashScheme.publicKey(of: 3)
    private let message: [UInt8] = Array("a message".utf8)

    @Test func `Signatures have Falcon's form, and one message has many`() {
        let first = KeyedHashScheme.sign(message, key: key, nonce: 1)
        let second = KeyedHashScheme.sign(message, key: key, nonce: 2)
        #expect(first != second)
        for signature in [first, second] {
            #expect(signature.count == SignatureFormat.byteCount)
            #expect(signature.first == SignatureFormat.firstByte)
            #expect(KeyedHashScheme.isValid(signature, message: message, key: key))
        }
    }

    @Test func `A signature does not hold with any byte changed, for another message or key`() {
        let signature = KeyedHashScheme.sign(message, key: key, nonce: 9)
        for position in signature.indices {
            var changed = signature
            changed[position] ^= 1
            #expect(!KeyedHashScheme.isValid(changed, message: message, key: key))
        }
        let other = KeyedHashScheme.publicKey(of: 4)
        #expect(!KeyedHashScheme.isValid(signature, message: message, key: other))
        #expect(!KeyedHashScheme.isValid(signature, message: message + [0], key: key))
        #expect(!KeyedHashScheme.isValid(Array(signature.dropLast()), message: message, key: key))
        #expect(!KeyedHashScheme.isValid([], message: message, key: key))
    }
}
