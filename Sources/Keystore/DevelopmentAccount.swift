package import Falcon
package import Primitives

/// An account of test networks, named by a Substrate-style URI such as `//Alice`. Its keys are
/// known to everybody.
///
/// - The account id of `//Alice`, `//Bob`, `//Charlie`, `//Dave`, `//Eve` and `//Ferdie` is their
///   well-known sr25519 public key, the one that every Substrate tool shows.
/// - The account id of any other URI is BLAKE2b-256("quantumharmony/dev-account/1" || URI). Nobody
///   has an sr25519 key for it, and none is needed: validators sign with Falcon.
/// - The Falcon-1024 key of every URI is generated from the seed
///   "quantumharmony/dev-falcon/1" || URI.
package struct DevelopmentAccount: Sendable, Hashable {
    /// The URI.
    package let uri: String
    /// The account id.
    package let account: AccountID

    /// The most bytes of a URI.
    package static let maximumURIByteCount = 128

    /// The account that a URI names: one or more hard junctions `//name`, a name being 1 to 32
    /// letters, digits, `_` or `-`.
    ///
    /// - Throws: `invalidURI` for anything else: phrases, soft junctions and passwords do not
    ///   belong to development keys.
    package init(uri: String) throws(KeystoreError) {
        guard uri.utf8.count <= Self.maximumURIByteCount else {
            throw .invalidURI(reason: "it has more than \(Self.maximumURIByteCount) bytes")
        }
        let names = uri.split(separator: "//", omittingEmptySubsequences: false)
        guard names.count >= 2, names[0].isEmpty else {
            throw .invalidURI(reason: "it does not begin with //")
        }
        for name in names.dropFirst() where !Self.isName(name) {
            throw .invalidURI(
                reason: "a name has 1 to 32 letters, digits, underscores and hyphens")
        }
        self.uri = uri
        account = Self.wellKnown[uri] ?? Self.derived(uri)
    }

    /// The account of one name: `Alice` stands for `//Alice`.
    package init(name: String) throws(KeystoreError) { try self.init(uri: "//\(name)") }

    /// The account's Falcon key. Making it takes some milliseconds.
    package func makeSecretKey() -> FalconSecretKey { FalconSecretKey(developmentURI: uri) }

    private static func isName(_ name: Substring) -> Bool {
        (1...32).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    private static func derived(_ uri: String) -> AccountID {
        let hash = BLAKE2b256.hash(Array("quantumharmony/dev-account/1".utf8) + Array(uri.utf8))
        guard let account = AccountID(hash.bytes) else {
            preconditionFailure("32 bytes are an account")
        }
        return account
    }

    private static let wellKnown: [String: AccountID] = [
        "//Alice": "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d",
        "//Bob": "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48",
        "//Charlie": "90b5ab205c6974c9ea841be688864633dc9ca8a357843eeacf2314649965fe22",
        "//Dave": "306721211d5404bd9da88e0204360a1a9ab8b87c66c1bc2fcdd37f3c2222cc20",
        "//Eve": "e659a7a1628cdd93febc04a4e0646ea20e9f5f0ce097d9a05290d4a9e054df4e",
        "//Ferdie": "1cbd2d43530a44705ad088af313e18f80b53ef16b36177cd4b77b846f2a5f07c",
    ].mapValues { digits in
        guard let account = [UInt8](hex: digits).flatMap({ AccountID($0) }) else {
            preconditionFailure("64 hexadecimal digits are an account")
        }
        return account
    }
}
