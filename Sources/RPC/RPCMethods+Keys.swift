package import Primitives

/// The keys of a node as RPC sees them. Everything that a call says it has kept is on the disk when
/// it returns.
package protocol KeyOperations: Sendable {
    /// Makes a session key and, if the node is a member of the validator set in force, asks the
    /// chain for it in the node's own name.
    ///
    /// - Returns: the public key.
    func rotateKeys() async throws(KeyRefusal) -> [UInt8]
    /// Makes a session key for an account, and asks the chain for nothing.
    func makeKeys(for owner: AccountID) async throws(KeyRefusal) -> ProvenKey
    /// Keeps the key of a secret URI.
    ///
    /// - Parameters:
    ///   - type: four letters; `falc` for session keys.
    ///   - publicKey: what the secret has to belong to.
    func insertKey(type: String, uri: String, publicKey: [UInt8]) async throws(KeyRefusal)
    /// Whether a key is kept.
    func hasKey(_ publicKey: [UInt8], type: String) async throws(KeyRefusal) -> Bool
}

/// A public key, and the proof that its holder registers it for an account.
package struct ProvenKey: Sendable, Hashable {
    package var publicKey: [UInt8]
    /// What RotateKey and Nominate take, a signature by the new key.
    package var proof: [UInt8]

    package init(publicKey: [UInt8], proof: [UInt8]) {
        self.publicKey = publicKey
        self.proof = proof
    }
}

/// Why a key was not made or kept.
package struct KeyRefusal: Error, Sendable, Hashable {
    /// For people; no secrets.
    package var reason: String

    package init(reason: String) { self.reason = reason }
}

extension RPCMethods {
    /// The bytes of a public key at most: a Falcon key.
    private static let publicKeyLimit = ValidatorIdentity.publicKeyByteCount

    /// `author_*` on keys, as on Substrate nodes; all for the operator.
    package mutating func addKeys(_ keys: some KeyOperations) {
        add("author_rotateKeys", access: .operatorOnly) { (_) throws(RPCError) in
            .hex(try await Self.answering { () throws(KeyRefusal) in try await keys.rotateKeys() })
        }
        add("author_rotateKeysWithOwner", access: .operatorOnly) { (parameters) throws(RPCError) in
            let bytes = try parameters.bytes(0, "owner", limit: 32)
            guard let owner = AccountID(bytes) else {
                throw .invalidParameters("owner is no account of 32 bytes")
            }
            let made = try await Self.answering { () throws(KeyRefusal) in
                try await keys.makeKeys(for: owner)
            }
            return ["keys": .hex(made.publicKey), "proof": .hex(made.proof)]
        }
        add("author_insertKey", access: .operatorOnly) { (parameters) throws(RPCError) in
            let type = try parameters.text(0, "keyType")
            let uri = try parameters.text(1, "suri")
            let publicKey = try parameters.bytes(2, "publicKey", limit: Self.publicKeyLimit)
            try await Self.answering { () throws(KeyRefusal) in
                try await keys.insertKey(type: type, uri: uri, publicKey: publicKey)
            }
            return .null
        }
        add("author_hasKey", access: .operatorOnly) { (parameters) throws(RPCError) in
            let publicKey = try parameters.bytes(0, "publicKey", limit: Self.publicKeyLimit)
            let type = try parameters.text(1, "keyType")
            return .bool(
                try await Self.answering { () throws(KeyRefusal) in
                    try await keys.hasKey(publicKey, type: type)
                })
        }
        add("author_hasSessionKeys", access: .operatorOnly) { (parameters) throws(RPCError) in
            let publicKey = try parameters.bytes(0, "sessionKeys", limit: Self.publicKeyLimit)
            guard publicKey.count == ValidatorIdentity.publicKeyByteCount else {
                throw .invalidParameters(
                    "sessionKeys is one Falcon-1024 public key, 1,793 bytes, not \(publicKey.count)"
                )
            }
            return .bool(
                try await Self.answering { () throws(KeyRefusal) in
                    try await keys.hasKey(publicKey, type: "falc")
                })
        }
    }

    /// A refusal as an error of the call: its code is that of Substrate's keystore errors.
    private static func answering<Value: Sendable>(
        _ body: () async throws(KeyRefusal) -> Value
    ) async throws(RPCError) -> Value {
        do throws(KeyRefusal) {
            return try await body()
        } catch {
            throw RPCError(code: 1020, message: error.reason)
        }
    }
}
