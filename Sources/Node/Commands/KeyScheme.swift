internal import Falcon
internal import Keystore
internal import LibP2P
internal import Primitives
internal import RPC

/// The kinds of keys that the `key` commands know.
public enum KeyScheme: String, Sendable, CaseIterable {
    /// Session keys: what validators sign with.
    case falcon1024
    /// Account keys of Substrate's tools.
    case sr25519

    /// The words of a new phrase unless told otherwise: 32 bytes of entropy for keys that are to
    /// stand against quantum computers, Substrate's 16 for the others.
    public var wordCount: Int { self == .falcon1024 ? 24 : 12 }

    /// The key type of a keystore's files unless told otherwise.
    public var keyType: String { self == .falcon1024 ? "falc" : "acco" }
}

/// Makes a key, or looks at one: what `key generate` and `key inspect` print.
public struct KeyReport: Sendable {
    private struct Field: Sendable {
        let label: String
        let name: String
        let value: String
    }

    private let title: String
    private var fields: [Field] = []

    /// A new key from the operating system's randomness.
    ///
    /// - Parameters:
    ///   - wordCount: 12, 15, 18, 21 or 24.
    ///   - network: the prefix of addresses.
    public static func generate(
        _ scheme: KeyScheme, wordCount: Int, network: UInt16
    ) throws -> KeyReport {
        guard let phrase = try SecretPhrase(wordCount: wordCount) else {
            throw KeystoreError.invalidURI(
                reason: "a phrase has 12, 15, 18, 21 or 24 words, not \(wordCount)")
        }
        return try KeyReport(scheme, uri: phrase.words, network: network)
    }

    /// The key of a secret URI: a phrase, `0x` and a seed, or nothing for the development phrase,
    /// then junctions and a password.
    public init(_ scheme: KeyScheme, uri text: String, network: UInt16) throws {
        let uri = try SecretURI(text)
        let seed: SecretBytes
        let publicKey: [UInt8]
        switch scheme {
        case .sr25519:
            let key = try Sr25519SecretKey(uri)
            publicKey = key.publicKey
            seed = SecretBytes(copying: key.seed.withBytes { Array($0) })
        case .falcon1024:
            publicKey = try uri.makeFalconKey().publicKey.bytes
            seed = uri.root == nil ? SecretBytes(count: 0) : try uri.falconSeed()
        }
        let isPhrase = uri.junctions.isEmpty && uri.root.map { !$0.hasPrefix("0x") } ?? false
        title =
            isPhrase
            ? "Secret phrase:       \(uri.root ?? "")" : "Secret Key URI `\(text)` is account:"
        if isPhrase { add(nil, "secretPhrase", uri.root ?? "") }
        add("Network ID:", "networkId", network == 42 ? "substrate" : "\(network)")
        let digits = seed.hexDigits().withBytes { String(decoding: $0, as: UTF8.self) }
        add("Secret seed:", "secretSeed", seed.count > 0 ? "0x\(digits)" : "n/a")
        let account =
            uri.root == nil && scheme == .falcon1024
            ? try uri.developmentAccount().account : nil
        try addPublic(scheme, publicKey, account: account, network: network)
    }

    /// What is known of a public key.
    ///
    /// - Parameter hex: `0x` and its digits.
    public init(_ scheme: KeyScheme, publicKey hex: String, network: UInt16) throws {
        guard let publicKey = [UInt8](hex: hex),
            publicKey.count == (scheme == .sr25519 ? 32 : ValidatorIdentity.publicKeyByteCount)
        else {
            throw KeystoreError.invalidURI(reason: "it is no \(scheme.rawValue) public key")
        }
        title = "Public Key URI is account:"
        add("Network ID:", "networkId", network == 42 ? "substrate" : "\(network)")
        try addPublic(scheme, publicKey, account: nil, network: network)
    }

    /// A Falcon key's account, unless it is a development account's, is BLAKE2b-256 of the key.
    private mutating func addPublic(
        _ scheme: KeyScheme, _ publicKey: [UInt8], account: AccountID?, network: UInt16
    ) throws {
        let own =
            scheme == .sr25519
            ? publicKey : SessionKeystore.name(ofPublicKey: publicKey).bytes
        guard let account = account ?? AccountID(own),
            let address = SS58Address(account, prefix: network)
        else { throw KeystoreError.invalidURI(reason: "\(network) is no prefix of addresses") }
        add("Public key (hex):", "publicKey", "0x\(publicKey.hex)")
        add("Account ID:", "accountId", "0x\(account.bytes.hex)")
        if scheme == .sr25519 {
            add("Public key (SS58):", "ss58PublicKey", "\(address)")
        } else {
            add("Keystore name:", "keystoreName", own.hex)
        }
        add("SS58 Address:", "ss58Address", "\(address)")
    }

    private mutating func add(_ label: String?, _ name: String, _ value: String) {
        fields.append(Field(label: label ?? "", name: name, value: value))
    }

    /// For people, in the form of Substrate's tools.
    public var text: String {
        let lines = fields.filter { !$0.label.isEmpty }.map { field in
            let label = field.label + String(repeating: " ", count: max(1, 19 - field.label.count))
            return "  \(label)\(field.value)"
        }
        return ([title] + lines).joined(separator: "\n")
    }

    /// For programs, one object.
    public var json: String {
        let members = fields.map { JSONMember($0.name, .string($0.value)) }
        return String(decoding: JSONValue.object(members).utf8, as: UTF8.self)
    }
}
