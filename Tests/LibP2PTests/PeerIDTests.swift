import Crypto
import LibP2P
import Primitives
import Testing

@Suite("Identities and peer ids")
struct PeerIDTests {
    @Test(
        "Node keys give the published keys and ids", arguments: SecurityVectors.peerID.dev_node_keys
    )
    func nodeKey(_ vector: SecurityVectors.PeerIDFile.NodeKey) throws {
        let identity = try #require(NodeIdentity(seed: try bytes(vector.node_key)))
        #expect(identity.publicKey.content == (try bytes(vector.ed25519_pub)))
        #expect(identity.publicKey.protobuf == (try bytes(vector.public_key_protobuf)))
        let peer = identity.peerID
        #expect(peer.bytes == (try bytes(vector.multihash)))
        #expect(peer.description == vector.base58)
        #expect(peer.cidBase32 == vector.cidv1_base32)
        #expect(peer.cidBase36 == vector.cidv1_base36)
        #expect(peer.embeddedPublicKey == identity.publicKey)
        for text in [vector.base58, vector.cidv1_base32, vector.cidv1_base36] {
            #expect(try PeerID(text) == peer)
        }
        #expect(try PeerID("z" + RadixEncoding.base58.encode([1, 0x72] + peer.bytes)) == peer)
        #expect(try PeerID("f" + ([1, 0x72] + peer.bytes).hex) == peer)
        #expect(try PeerID(bytes: peer.bytes) == peer)
    }

    @Test(
        "The specification's public keys give their ids",
        arguments: ["ECDSA", "ED25519", "secp256k1", "rsa"])
    func specificationKey(_ name: String) throws {
        let vector = try #require(SecurityVectors.peerID.libp2p_spec_keys["\(name) public key"])
        let encoding = try bytes(vector.protobuf)
        let key = try PublicKey(protobuf: encoding)
        #expect(key.protobuf == encoding)
        #expect(key.peerID.bytes == (try bytes(try #require(vector.multihash))))
        #expect(key.peerID.description == vector.base58)
        #expect(key.peerID.cidBase32 == vector.cidv1_base32)
        #expect(try PeerID(try #require(vector.base58)) == key.peerID)
        #expect(try PeerID(try #require(vector.cidv1_base32)) == key.peerID)
        #expect((key.peerID.embeddedPublicKey == key) == (encoding.count <= 42))
        for length in 0..<encoding.count {
            #expect(throws: KeyError.self) { try PublicKey(protobuf: encoding[..<length]) }
        }
        #expect(throws: KeyError.malformedEncoding) { try PublicKey(protobuf: encoding + [0]) }
    }

    @Test("Ids read in either text form", arguments: SecurityVectors.peerID.text_forms)
    func textForm(_ vector: SecurityVectors.PeerIDFile.TextForm) throws {
        let peer = try PeerID(vector.text)
        #expect(peer.bytes == (try bytes(vector.multihash)))
        #expect(peer.cidBase32 == vector.cidv1_base32)
        #expect(try PeerID(vector.cidv1_base32) == peer)
    }

    @Test("Texts that are no ids are refused", arguments: SecurityVectors.peerID.invalid_text)
    func invalidText(_ text: String) {
        #expect(throws: PeerIDError.self) { try PeerID(text) }
    }

    @Test("Every way to be wrong has its error")
    func errors() throws {
        #expect(throws: PeerIDError.malformedMultihash) { try PeerID(bytes: [] as [UInt8]) }
        #expect(throws: PeerIDError.malformedMultihash) { try PeerID(bytes: [0x00]) }
        #expect(throws: PeerIDError.malformedMultihash) { try PeerID(bytes: [0x00, 0x02, 0x01]) }
        #expect(throws: PeerIDError.malformedMultihash) {
            try PeerID(bytes: [0x00, 0x01, 0x01, 0x01])
        }
        #expect(throws: PeerIDError.invalidDigestLength(0)) { try PeerID(bytes: [0x00, 0x00]) }
        #expect(throws: PeerIDError.invalidDigestLength(2)) {
            try PeerID(bytes: [0x12, 0x02, 1, 1])
        }
        #expect(throws: PeerIDError.unsupportedHash(code: 0x16)) {
            try PeerID(bytes: [0x16, 0x20] + [UInt8](repeating: 1, count: 32))
        }
        let embedded = [UInt8](repeating: 1, count: 43)
        #expect(throws: PeerIDError.malformedMultihash) {
            try PeerID(bytes: [0x00, 43] + embedded)
        }
        #expect(try PeerID(bytes: [0x00, 42] + embedded.dropLast()).embeddedPublicKey == nil)
        #expect(throws: PeerIDError.notPeerCID) {
            try PeerID("z" + RadixEncoding.base58.encode([1, 0x55]))
        }
        #expect(throws: PeerIDError.malformedText) { try PeerID("m0") }
        #expect(throws: PeerIDError.malformedText) {
            try PeerID(String(repeating: "1", count: 100_000))
        }
        #expect(throws: PeerIDError.malformedText) {
            try PeerID("k" + String(repeating: "1", count: 100_000))
        }
    }

    @Test("Ids are ordered by their bytes")
    func order() throws {
        let keys = try SecurityVectors.peerID.dev_node_keys.map { try PeerID($0.base58) }
        let sorted = keys.sorted()
        #expect(sorted.map(\.bytes.hex) == keys.map(\.bytes.hex).sorted())
    }

    @Test("Only the deterministic encoding of a key is read")
    func keyEncoding() throws {
        let content = [UInt8](repeating: 7, count: 32)
        #expect(try PublicKey(protobuf: [8, 1, 0x12, 32] + content).content == content)
        for malformed in [
            [], [8, 1], [0x12, 32] + content, [0x12, 32] + content + [8, 1],
            [8, 0x81, 0, 0x12, 32] + content, [8, 1, 0x12, 0xA0, 0] + content,
            [8, 1, 0x12, 33] + content, [8, 1, 0x12, 31] + content,
            [8, 1, 8, 1, 0x12, 32] + content, [8, 1, 0x12, 32] + content + [0x18, 0],
        ] {
            #expect(throws: KeyError.malformedEncoding) { try PublicKey(protobuf: malformed) }
        }
        #expect(throws: KeyError.unknownKeyType(4)) {
            try PublicKey(protobuf: [8, 4, 0x12, 32] + content)
        }
        #expect(throws: KeyError.malformedKey(.ed25519)) {
            try PublicKey(protobuf: [8, 1, 0x12, 31] + content.dropLast())
        }
        #expect(throws: KeyError.malformedKey(.secp256k1)) {
            try PublicKey(protobuf: [8, 2, 0x12, 33, 4] + content)
        }
        #expect(throws: KeyError.malformedKey(.rsa)) { try PublicKey(protobuf: [8, 0, 0x12, 0]) }
        #expect(throws: KeyError.malformedKey(.ecdsa)) {
            try PublicKey(type: .ecdsa, content: [UInt8](repeating: 1, count: 2_049))
        }
    }

    @Test("Private keys are read in both forms and written in one")
    func privateKey() throws {
        let vector = try #require(SecurityVectors.peerID.libp2p_spec_keys["ED25519 private key"])
        let encoding = try bytes(vector.protobuf)
        let identity = try NodeIdentity(protobuf: encoding)
        #expect(identity.protobuf == encoding)
        let publicVector = try #require(
            SecurityVectors.peerID.libp2p_spec_keys["ED25519 public key"])
        #expect(identity.peerID.description == publicVector.base58)
        let content = Array(encoding.dropFirst(4))
        let older = [8, 1, 0x12, 96] + content + content.suffix(32)
        #expect(try NodeIdentity(protobuf: older).peerID == identity.peerID)
        for position in 32..<96 {
            var altered = [8, 1, 0x12, 96] + content + content.suffix(32)
            altered[4 + position] ^= 1
            #expect(throws: KeyError.malformedKey(.ed25519)) { try NodeIdentity(protobuf: altered) }
        }
        let other = try #require(SecurityVectors.peerID.libp2p_spec_keys["secp256k1 private key"])
        #expect(throws: KeyError.unsupportedKeyType(.secp256k1)) {
            try NodeIdentity(protobuf: try bytes(other.protobuf))
        }
        #expect(NodeIdentity(seed: [UInt8](repeating: 1, count: 31)) == nil)
        #expect(NodeIdentity(seed: [UInt8](repeating: 1, count: 33)) == nil)
    }

    @Test("Ed25519 signatures are accepted for their message and key only")
    func ed25519() throws {
        let identity = try #require(NodeIdentity(seed: [UInt8](repeating: 9, count: 32)))
        let message = Array("a message".utf8)
        let signature = identity.sign(message)
        let key = identity.publicKey
        #expect(try key.isValidSignature(signature, for: message))
        #expect(try !key.isValidSignature(signature, for: message + [0]))
        for length in [0, 1, 63] {
            #expect(try !key.isValidSignature(Array(signature[..<length]), for: message))
        }
        #expect(try !key.isValidSignature(signature + [0], for: message))
        for position in signature.indices {
            var altered = signature
            altered[position] ^= 0x10
            #expect(try !key.isValidSignature(altered, for: message))
        }
    }

    @Test("ECDSA signatures over P-256 are checked, and are none of another key or curve")
    func otherTypes() throws {
        let secret = P256.Signing.PrivateKey()
        let message = Array("a message".utf8)
        let signature = Array(try secret.signature(for: message).derRepresentation)
        let key = try PublicKey(type: .ecdsa, content: Array(secret.publicKey.derRepresentation))
        #expect(try key.isValidSignature(signature, for: message))
        #expect(try !key.isValidSignature(signature, for: message + [0]))
        #expect(try !key.isValidSignature(Array(signature.dropLast()), for: message))
        #expect(try !key.isValidSignature([], for: message))
        let otherCurve = P384.Signing.PrivateKey().publicKey.derRepresentation
        let wrong = try PublicKey(type: .ecdsa, content: Array(otherCurve))
        #expect(throws: KeyError.malformedKey(.ecdsa)) {
            try wrong.isValidSignature(signature, for: message)
        }
        for name in ["rsa", "secp256k1"] {
            let vector = try #require(SecurityVectors.peerID.libp2p_spec_keys["\(name) public key"])
            let other = try PublicKey(protobuf: try bytes(vector.protobuf))
            #expect(try !other.isValidSignature(signature, for: message))
        }
    }

    @Test("Random bytes and texts never trap", arguments: 1...10 as ClosedRange<UInt64>)
    func garbage(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("1Qmbkzuf0123456789abcdefABCDEFzyx/:.".utf8)
        for _ in 0..<500 {
            var input = generator.bytes(count: Int(generator.next() % 50))
            if input.count > 2, generator.next().isMultiple(of: 2) {
                input[0] = generator.next().isMultiple(of: 2) ? 0 : 0x12
                input[1] = UInt8(input.count - 2)
            }
            if let peer = try? PeerID(bytes: input) {
                #expect(peer.bytes == input, "seed \(seed)")
                #expect(try PeerID(peer.description) == peer, "seed \(seed): \(input)")
                #expect(try PeerID(peer.cidBase36) == peer, "seed \(seed): \(input)")
            }
            if let key = try? PublicKey(protobuf: [8, 1, 0x12] + input) {
                #expect(key.protobuf == [8, 1, 0x12] + input, "seed \(seed)")
            }
            let text = (0..<Int(generator.next() % 60)).map { _ in
                alphabet[Int(generator.next() % UInt64(alphabet.count))]
            }
            if let peer = try? PeerID(String(decoding: text, as: UTF8.self)) {
                #expect(try PeerID(bytes: peer.bytes) == peer, "seed \(seed): \(text)")
            }
        }
    }
}

@Suite("Text encodings of bytes")
struct BaseEncodingTests {
    @Test("Known texts")
    func known() {
        #expect(RadixEncoding.base58.encode([]) == "")
        #expect(RadixEncoding.base58.encode([0, 0, 1]) == "112")
        #expect(RadixEncoding.base58.encode(Array("Hello World!".utf8)) == "2NEpo7TZRRrLZSi2U")
        #expect(RadixEncoding.base36.encode(Array("Hello World!".utf8)) == "2678lx5gvmsv1dro9b5")
        #expect(BitEncoding.base32.encode(Array("foobar".utf8)) == "mzxw6ytboi")
        #expect(BitEncoding.base64URL.encode([0xFB, 0xFF, 0xBF, 0xFF]) == "-_-__w")
    }

    @Test("Malformed texts are refused")
    func malformed() {
        #expect(RadixEncoding.base58.decode("0") == nil)
        #expect(RadixEncoding.base58.decode("é") == nil)
        #expect(RadixEncoding.base36.decode("A") == nil)
        #expect(RadixEncoding.base58.decode(String(repeating: "2", count: 513)) == nil)
        #expect(BitEncoding.base32.decode("a") == nil)
        #expect(BitEncoding.base32.decode("ab") == nil)
        #expect(BitEncoding.base32.decode("aa") == [0])
        #expect(BitEncoding.base32.decode("aaa") == nil)
        #expect(BitEncoding.base32.decode("aa======") == nil)
        #expect(BitEncoding.base64URL.decode("AB") == nil)
        #expect(BitEncoding.base64URL.decode("AA") == [0])
        #expect(BitEncoding.base64URL.decode("A") == nil)
        #expect(Multibase.decode("") == nil)
        #expect(Multibase.decode("x00") == nil)
        #expect(Multibase.decode("f0x00") == nil)
        #expect(Multibase.decode("f00ff") == [0, 255])
        #expect(Multibase.decode("f0") == nil)
    }

    @Test("Random bytes survive every encoding", arguments: 1...5 as ClosedRange<UInt64>)
    func roundTrip(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var input = generator.bytes(count: Int(generator.next() % 48))
            for position in 0..<min(input.count, Int(generator.next() % 4)) { input[position] = 0 }
            let message: Comment = "seed \(seed): \(input)"
            for codec in [RadixEncoding.base58, .base36] {
                #expect(codec.decode(codec.encode(input)) == input, message)
            }
            for codec in [BitEncoding.base32, .base64URL] {
                #expect(codec.decode(codec.encode(input)) == input, message)
            }
            #expect(Multibase.decode(Multibase.encodeBase64URL(input)) == input, message)
        }
    }
}
