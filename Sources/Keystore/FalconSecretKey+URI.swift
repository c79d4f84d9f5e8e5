package import Falcon
internal import Primitives

extension SecretURI {
    /// The Falcon-1024 key that the URI names.
    ///
    /// A URI without a phrase names a development account, whose key everybody knows. The key of a
    /// phrase or seed is generated from "quantumharmony/falcon-seed/1" and 32 bytes: the seed of the
    /// phrase, turned at each hard junction into BLAKE2b-256("Falcon1024HDKD" as a SCALE string ||
    /// seed || chain code), which is how Substrate derives Ed25519 keys. Soft junctions are refused:
    /// public keys of lattices cannot be derived.
    package func makeFalconKey() throws(KeystoreError) -> FalconSecretKey {
        guard root != nil else { return try developmentAccount().makeSecretKey() }
        let seed = try falconSeed()
        var input = Array("quantumharmony/falcon-seed/1".utf8)
        seed.withBytes { input.append(contentsOf: $0) }
        defer { input.erase() }
        return FalconSecretKey(seed: input)
    }

    /// The development account of a URI without a phrase.
    package func developmentAccount() throws(KeystoreError) -> DevelopmentAccount {
        try DevelopmentAccount(uri: text)
    }

    /// The 32 bytes that a Falcon key is generated from.
    package func falconSeed() throws(KeystoreError) -> SecretBytes {
        var seed = try seed()
        for junction in junctions {
            guard junction.isHard else {
                throw .invalidURI(
                    reason: "Falcon keys have no soft junctions; write // for hard ones")
            }
            var input = Array([14 << 2] + Array("Falcon1024HDKD".utf8))
            seed.withBytes { input.append(contentsOf: $0) }
            input += junction.chainCode
            defer { input.erase() }
            seed = SecretBytes(copying: BLAKE2b256.hash(input).bytes)
        }
        return seed
    }
}
