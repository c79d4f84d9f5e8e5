import Crypto
import Falcon
import Testing

/// The 100 vectors that the reference's generator makes, byte for byte: keys, and signatures in both
/// forms. The first ten are in files; of all 100 there is a digest.
@Suite struct KnownAnswerTests {
    /// A response file: which form of signature, and what its 100 vectors hash to.
    struct ResponseFile {
        var name: String
        var digest: String
        var first10: String?
    }

    @Test(arguments: FalconParameters.allCases)
    func `all 100 keys and signatures are the reference's`(
        parameters: FalconParameters
    ) throws {
        let degree = parameters.degree
        var natural: [String] = []
        var padded: [String] = []
        var seeds = CounterGenerator(seed: Array(0..<48))
        for count in 0..<100 {
            let seed = seeds.bytes(48)
            let message = seeds.bytes(33 * (count + 1))
            var generator = CounterGenerator(seed: seed)
            let key = FalconSecretKey(parameters: parameters) { generator.fill($0) }
            var paddedGenerator = generator
            let head = """
                count = \(count)
                seed = \(Hex.encode(seed))
                mlen = \(message.count)
                msg = \(Hex.encode(message))
                pk = \(Hex.encode(key.publicKey.bytes))
                sk = \(Hex.encode(key.bytes))

                """
            let signature = try #require(
                key.signVariableLength(message: message) { generator.fill($0) })
            natural.append(head + signedMessage(message, signature))
            let paddedSignature = key.sign(message: message) { paddedGenerator.fill($0) }
            padded.append(head + response(paddedSignature + message))
        }
        let isLarge = parameters == .falcon1024
        try expect(
            natural,
            ResponseFile(
                name: "falcon-\(degree)",
                digest: isLarge
                    ? "036A0BF5260573CEC44977284DFEF756CD1143DB9961B981BD1FB55828ACB20D"
                    : "DD75C946FDEDEF4EC46A2BEE7E10C65C9126F1A839B9CED6921FD45F7354B5CD",
                first10: "falcon-\(degree).first10.rsp"))
        try expect(
            padded,
            ResponseFile(
                name: "falcon-padded-\(degree)",
                digest: isLarge
                    ? "E4471169B30CB0B9D5F74B759DFAA44FD26C11BDF2D0DF7D359215BD16193B54"
                    : "066F24921C1D349C6D57AD6E8BC5B1FC76B940AF5B06CBC49ADFAE135A64CE6D",
                first10: isLarge ? "falcon-padded-1024.first10.rsp" : nil))
    }

    /// `texts`: one text a vector. The heading of a file is the name of the scheme; the digest is of
    /// a file that writes it with a capital.
    private func expect(_ texts: [String], _ file: ResponseFile) throws {
        if let first10 = file.first10 {
            let expected = String(decoding: try Vectors.contents(first10), as: UTF8.self)
            let actual = "# \(file.name)\n\n" + texts[..<10].joined()
            #expect(actual == expected, "the first ten of \(file.name)")
        }
        let all = "# F\(file.name.dropFirst())\n\n" + texts.joined()
        let digest = SHA256.hash(data: Array(all.utf8))
        #expect(Hex.encode(digest) == file.digest, "all of \(file.name)")
    }

    /// The competition's form: length of the signature, nonce, message, then the signature, which
    /// has another header byte here.
    private func signedMessage(_ message: [UInt8], _ signature: [UInt8]) -> String {
        let compressed = signature[41...]
        let byteCount = compressed.count + 1
        return response(
            [UInt8(byteCount >> 8), UInt8(byteCount & 0xFF)] + signature[1..<41] + message
                + [signature[0] - 0x10] + compressed)
    }

    private func response(_ bytes: [UInt8]) -> String {
        "smlen = \(bytes.count)\nsm = \(Hex.encode(bytes))\n\n"
    }
}
