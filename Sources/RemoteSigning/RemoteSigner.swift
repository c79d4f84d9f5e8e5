internal import Dispatch
package import Falcon
package import Keystore
internal import Logging
internal import Primitives
internal import SCALE
internal import Synchronization

/// The connection of a node to the process that signs for it.
///
/// Requests go out one after the other in the order in which they came: the process signs slots in
/// ascending order only. A connection that is lost is made again at the next request.
package final class SignerConnection: Sendable {
    private let path: String
    private let queue = DispatchQueue(label: "signer")
    private let socket = Mutex<UnixSocket?>(nil)
    /// Whether the last exchange failed: told of once.
    private let isLost = Mutex(false)
    private let logger = Logger(label: "signer")

    /// - Parameter path: of the process's socket.
    package init(path: String) { self.path = path }

    /// The keys that the process signs with; connects.
    ///
    /// - Throws: that the process is not there, or no such process.
    package func signers() throws(KeystoreError) -> [RemoteSigner] {
        let answer: SignerAnswer
        do throws(UnixSocket.Failure) {
            answer = try exchange(.keys)
        } catch {
            throw .signerFailed(
                reason: "\(error). Start quantumharmony-signer, or check the path of --signer.")
        }
        return try signers(answer)
    }

    /// Has the process make a key, on a connection of its own, so that no signature waits for it.
    ///
    /// - Throws: that the process is not there, is an older one, or has too many keys.
    package func makeKey() throws(KeystoreError) -> RemoteSigner {
        let answer: SignerAnswer
        do throws(UnixSocket.Failure) {
            let socket = try UnixSocket(path: path)
            defer { socket.close() }
            answer = try Self.exchange(.makeKey, on: socket)
        } catch {
            throw .signerFailed(reason: "\(error)")
        }
        if case .refused(let reason) = answer {
            throw .signerFailed(reason: "it refuses: \(reason)")
        }
        let made = try signers(answer)
        guard made.count == 1 else { throw .signerFailed(reason: "it answers something else") }
        return made[0]
    }

    private func signers(_ answer: SignerAnswer) throws(KeystoreError) -> [RemoteSigner] {
        guard case .keys(let keys) = answer else {
            throw .signerFailed(reason: "what listens at \(path) is no signer")
        }
        var signers: [RemoteSigner] = []
        for bytes in keys {
            guard let key = try? FalconPublicKey(bytes: bytes) else {
                throw .signerFailed(reason: "the signer at \(path) has a key that is none")
            }
            signers.append(RemoteSigner(key, connection: self))
        }
        return signers
    }

    /// Asks for a signature; `completion` is called on a queue of the connection's own.
    func submit(
        _ request: SigningRequest, key: FalconPublicKey,
        completion: @escaping @Sendable (Result<[UInt8], KeystoreError>) -> Void
    ) {
        let query = SignerQuery.sign(request, key: SessionKeystore.name(of: key))
        queue.async {
            completion(
                Result { () throws(KeystoreError) -> [UInt8] in try self.signature(query) })
        }
    }

    private func signature(_ query: SignerQuery) throws(KeystoreError) -> [UInt8] {
        let answer: SignerAnswer
        do throws(UnixSocket.Failure) {
            answer = try exchange(query)
        } catch {
            if isLost.withLock({ wasLost in
                defer { wasLost = true }
                return !wasLost
            }) {
                logger.error(
                    "The signer at \(path) is gone: \(error). Nothing is signed until it is back")
            }
            throw .signerFailed(reason: "\(error)")
        }
        if isLost.withLock({ wasLost in
            defer { wasLost = false }
            return wasLost
        }) {
            logger.info("The signer at \(path) is back")
        }
        switch answer {
        case .signature(let bytes): return bytes
        case .refused(let reason):
            logger.error("The signer refuses: \(reason)")
            throw .signerFailed(reason: "it refuses: \(reason)")
        case .keys: throw .signerFailed(reason: "it answers something else")
        }
    }

    /// Sends a query and waits for its answer. After any failure the connection is given up: a late
    /// answer must not be taken for that of another query.
    private func exchange(_ query: SignerQuery) throws(UnixSocket.Failure) -> SignerAnswer {
        try socket.withLock { (socket) throws(UnixSocket.Failure) -> SignerAnswer in
            // A signer that was started again has closed the connection that is kept here.
            if let kept = socket {
                do throws(UnixSocket.Failure) {
                    return try Self.exchange(query, on: kept)
                } catch {
                    socket = nil
                }
            }
            let new = try UnixSocket(path: path)
            let answer = try Self.exchange(query, on: new)
            socket = new
            return answer
        }
    }

    private static func exchange(
        _ query: SignerQuery, on socket: UnixSocket
    ) throws(UnixSocket.Failure) -> SignerAnswer {
        try socket.write(query.scaleBytes)
        guard let bytes = try socket.read() else {
            throw UnixSocket.Failure("the signer has closed the connection")
        }
        do throws(SCALEError) {
            return try SCALEDecoder.decode(SignerAnswer.self, from: bytes)
        } catch {
            throw UnixSocket.Failure("the answer cannot be read: \(error)")
        }
    }
}

/// A key that another process keeps and signs with.
package final class RemoteSigner: Signer {
    package let publicKey: FalconPublicKey
    private let connection: SignerConnection

    init(_ publicKey: FalconPublicKey, connection: SignerConnection) {
        self.publicKey = publicKey
        self.connection = connection
    }

    /// Asks for a signature, after those that were asked for before.
    package func submit(
        _ request: SigningRequest,
        completion: @escaping @Sendable (Result<[UInt8], KeystoreError>) -> Void
    ) {
        connection.submit(request, key: publicKey, completion: completion)
    }

    /// Signs what can be read as a vote, an extrinsic or a key's proof.
    package func sign(_ message: [UInt8]) async throws(KeystoreError) -> [UInt8] {
        let kinds: [SigningRequest] = [.vote(message), .extrinsic(message), .keyProof(message)]
        let request = kinds.first { (try? $0.meaning(for: publicKey.bytes)) != nil }
        guard let request else { throw .signerFailed(reason: "nothing is signed that is unknown") }
        let result = await withCheckedContinuation { continuation in
            submit(request) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }
}
