package import Chain
import Falcon
import Keystore
import Primitives
import SCALE

/// The account of a validator of test networks, which asks the chain for changes of the set.
package struct Member {
    private let account: AccountID
    private let genesisHash: Hash256
    /// The URI whose key the account signs with now.
    private var keyURI: String
    private var nonce: UInt64 = 0

    /// - Parameters:
    ///   - uri: the account's URI, and its first key's.
    ///   - genesisHash: of the chain, 0x and 64 digits.
    package init(uri: String, genesisHash: String) throws {
        guard let hash = Hash256(hex: genesisHash) else {
            throw TestFailure("no hash: \(genesisHash)")
        }
        self.genesisHash = hash
        account = try DevelopmentAccount(uri: uri).account
        keyURI = uri
    }

    /// Asks for the key of another URI, and signs with it from now on: to be used again only when
    /// the set with the new key is in force.
    package mutating func rotateKey(to uri: String, at client: RPCClient) throws {
        let (key, proof) = try proof(of: uri, for: account)
        try submit(.rotateKey(newKey: key, proof: proof), at: client)
        keyURI = uri
    }

    /// Nominates another account, with the key of its URI.
    package mutating func nominate(_ uri: String, at client: RPCClient) throws {
        try submit(try nomination(of: uri), at: client)
    }

    /// The call that nominates another account, with the key of its URI.
    package func nomination(of uri: String) throws -> Extrinsic.Call {
        let candidate = try DevelopmentAccount(uri: uri).account
        let (key, proof) = try proof(of: uri, for: candidate)
        guard let identity = ValidatorIdentity(account: candidate, falconPublicKey: key) else {
            throw TestFailure("no key: \(uri)")
        }
        return .nominateAddition(identity, proof: proof)
    }

    /// Leaves the set.
    package mutating func leave(at client: RPCClient) throws { try submit(.leave, at: client) }

    /// A URI's public key, and the proof that it may be that of an account.
    private func proof(
        of uri: String, for account: AccountID
    ) throws -> (key: [UInt8], proof: [UInt8]) {
        let secret = try DevelopmentAccount(uri: uri).makeSecretKey()
        let key = secret.publicKey.bytes
        let message = Extrinsic.keyProofBytes(
            genesisHash: genesisHash, account: account, newKey: key)
        return (key, secret.signature(of: message))
    }

    private mutating func submit(_ call: Extrinsic.Call, at client: RPCClient) throws {
        let key = try DevelopmentAccount(uri: keyURI).makeSecretKey()
        guard
            let extrinsic = Extrinsic.signed(
                call, by: account, with: key, nonce: nonce, genesisHash: genesisHash)
        else { throw TestFailure("no extrinsic can be made of \(call.kind)") }
        _ = try client.call("author_submitExtrinsic", [extrinsic.submission])
        nonce += 1
    }
}

extension Extrinsic {
    /// An extrinsic of a call; nil when an operand has a length that is not allowed.
    static func signed(
        _ call: Call, by account: AccountID, with key: borrowing FalconSecretKey, nonce: UInt64,
        genesisHash: Hash256
    ) -> Extrinsic? {
        let message = signingBytes(
            call: call, signer: account, nonce: nonce, genesisHash: genesisHash)
        return Extrinsic(
            call: call, signer: account, nonce: nonce, signature: key.signature(of: message))
    }

    /// What `author_submitExtrinsic` takes.
    var submission: String { "0x" + scaleBytes.hex }
}

extension FalconSecretKey {
    fileprivate borrowing func signature(of message: [UInt8]) -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        return sign(message: message) { buffer in
            for place in buffer.indices {
                buffer[place] = UInt8.random(in: 0...255, using: &random)
            }
        }
    }
}
