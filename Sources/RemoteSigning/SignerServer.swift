internal import Dispatch
internal import Falcon
internal import Glibc
package import Keystore
internal import Logging
package import Primitives
internal import SCALE
package import Storage
internal import Synchronization

/// Signs for nodes, each slot once.
///
/// Whoever asks, and how often: the same content in a slot gets the signature that was stored, another
/// content is refused, as is a slot below one that was signed. A signature is on the disk before it
/// leaves.
package final class SigningDesk: Sendable {
    /// The most keys that one process holds.
    package static let keyLimit = SignerFrame.keyLimit

    private struct Key: Sendable {
        let name: Hash256
        let signer: InProcessSigner

        init(_ signer: InProcessSigner) {
            name = SessionKeystore.name(of: signer.publicKey)
            self.signer = signer
        }
    }

    private let keystore: SessionKeystore
    private let keys: Mutex<[Key]>
    /// Held while a key is made, which takes up to a second: signatures do not wait for that.
    private let making = Mutex(())
    private let log: Mutex<SignerLog>
    private let logger = Logger(label: "signer")

    /// A desk with the keys of a keystore, of which it takes 64.
    ///
    /// - Throws: what is wrong with a key; `missing` when there is none.
    package init(_ keystore: SessionKeystore, log: SignerLog) throws(KeystoreError) {
        var keys: [Key] = []
        for name in try keystore.names().prefix(Self.keyLimit) {
            keys.append(Key(try keystore.signer(name)))
        }
        guard !keys.isEmpty else { throw .missing(path: keystore.directory) }
        self.keystore = keystore
        self.keys = Mutex(keys)
        self.log = Mutex(log)
    }

    /// The names of the keys.
    package var keyNames: [Hash256] { keys.withLock { $0.map(\.name) } }

    /// The answer to a query.
    package func answer(_ query: SignerQuery) -> SignerAnswer {
        switch query {
        case .keys: return .keys(keys.withLock { $0.map(\.signer.publicKey.bytes) })
        case .makeKey:
            do {
                return .keys([try makeKey().publicKey.bytes])
            } catch {
                logger.warning("No key was made: \(error)")
                return .refused("\(error)")
            }
        case .sign(let request, let name):
            let key = keys.withLock { keys in keys.first { $0.name == name } }
            guard let signer = key?.signer else { return .refused("there is no key \(name)") }
            do {
                return .signature(try sign(request, with: signer))
            } catch {
                logger.warning("Refused: \(error)")
                return .refused("\(error)")
            }
        }
    }

    /// Makes a key; it is in the keystore before anybody hears of it.
    private func makeKey() throws -> InProcessSigner {
        try making.withLock { _ in
            guard keys.withLock({ $0.count }) < Self.keyLimit else {
                throw SigningRequest.Refusal(
                    "there are \(Self.keyLimit) keys: move those away that are in no validator set "
                        + "any more, and start the signer again")
            }
            let signer = try keystore.signer(for: try keystore.generate())
            let key = Key(signer)
            keys.withLock { $0.append(key) }
            logger.info("Key \(key.name) was made")
            return signer
        }
    }

    private func sign(
        _ request: SigningRequest, with signer: InProcessSigner
    ) throws -> [UInt8] {
        let meaning = try request.meaning(for: signer.publicKey.bytes)
        guard let slot = meaning.slot else { return try signer.signature(of: meaning.message) }
        let content = BLAKE2b256.hash(meaning.message)
        return try log.withLock { (log) throws -> [UInt8] in
            switch try log.verdict(on: slot, content: content) {
            case .signed(let signature): return signature
            case .taken(let other):
                throw SigningRequest.Refusal(
                    "\(meaning.description), was asked for, but signed was \(other)")
            case .passed(let other):
                throw SigningRequest.Refusal(
                    "\(meaning.description), was asked for, which is below \(other), signed before")
            case .free:
                let signature = try signer.signature(of: meaning.message)
                try log.record(
                    slot, content: content, description: meaning.description, signature: signature)
                return signature
            }
        }
    }

    /// Ends all use of the log.
    package func close() throws(StorageError) {
        try log.withLock { (log) throws(StorageError) in try log.close() }
    }
}

/// Serves a signing desk at a Unix socket of mode 0600, for processes of the same user.
package final class SignerServer: Sendable {
    /// Connections at one time; more are closed at once.
    private static let connectionLimit = 8

    private let path: String
    private let desk: SigningDesk
    private let listener: CInt
    private let connections = Mutex<[ObjectIdentifier: UnixSocket]>([:])
    private let isClosed = Mutex(false)
    /// Signalled by `shutdown`, for a loop that pauses.
    private let closing = DispatchSemaphore(value: 0)
    private let queue = DispatchQueue(label: "signer.connections", attributes: .concurrent)
    private let logger = Logger(label: "signer")

    /// Listens at a path. A socket that nobody listens at is replaced.
    ///
    /// - Throws: `signerNotServing` when the path is in use or cannot be used.
    package init(path: String, desk: SigningDesk) throws(KeystoreError) {
        self.path = path
        self.desk = desk
        do throws(UnixSocket.Failure) {
            listener = try Self.listen(path)
        } catch {
            throw .signerNotServing(reason: "\(error)")
        }
    }

    private static func listen(_ path: String) throws(UnixSocket.Failure) -> CInt {
        var status = stat()
        if lstat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFSOCK else {
                throw UnixSocket.Failure("\(path) is no socket; it is left alone")
            }
            guard (try? UnixSocket(path: path)) == nil else {
                throw UnixSocket.Failure("another signer listens at \(path)")
            }
            unlink(path)
        }
        let descriptor = try UnixSocket.make()
        // Between binding and changing the mode others must not connect.
        let mask = umask(0o177)
        let bound = try UnixSocket.withAddress(path) { bind(descriptor, $0, $1) }
        umask(mask)
        guard bound == 0, chmod(path, 0o600) == 0, Glibc.listen(descriptor, 16) == 0 else {
            defer { close(descriptor) }
            throw UnixSocket.Failure(errno: "cannot listen at \(path)")
        }
        return descriptor
    }

    /// How long to wait when the system has no room for a connection; others may end meanwhile.
    private static let pauseMilliseconds = 200
    /// A shortage is told of at its beginning and after each so many pauses: once a minute.
    private static let pausesBetweenWarnings = 300

    /// Serves until `shutdown`; blocks the thread.
    ///
    /// A shortage of descriptors or memory is waited out: connections wait in the socket's queue
    /// until then.
    ///
    /// - Throws: `signerNotServing` when no more connections can be accepted.
    package func run() throws(KeystoreError) {
        var pauseCount = 0
        while true {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else {
                let number = errno
                if isClosed.withLock({ $0 }) { return }
                let reason = String(cString: strerror(number))
                switch number {
                case EINTR, ECONNABORTED: continue
                case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                    if pauseCount % Self.pausesBetweenWarnings == 0 {
                        logger.warning(
                            "Connections at \(path) have to wait: \(reason). Raise the limit of open files, or end what takes them up."
                        )
                    }
                    pauseCount += 1
                    _ = closing.wait(timeout: .now() + .milliseconds(Self.pauseMilliseconds))
                    continue
                default:
                    throw .signerNotServing(
                        reason: "no more connections can be accepted at \(path): \(reason)")
                }
            }
            if pauseCount > 0 { logger.info("Connections at \(path) are accepted again") }
            pauseCount = 0
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            let socket = UnixSocket(descriptor)
            guard Self.isOwn(descriptor), take(socket) else { continue }
            queue.async { self.serve(socket) }
        }
    }

    /// Whether the other side runs as the same user, or as root.
    private static func isOwn(_ descriptor: CInt) -> Bool {
        // A `struct ucred`: process, user, group.
        var peer = [UInt32](repeating: 0, count: 3)
        let byteCount = peer.count * MemoryLayout<UInt32>.size
        var size = socklen_t(byteCount)
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0,
            size == byteCount
        else { return false }
        return peer[1] == geteuid() || peer[1] == 0
    }

    private func take(_ socket: UnixSocket) -> Bool {
        connections.withLock { connections in
            guard connections.count < Self.connectionLimit else { return false }
            connections[ObjectIdentifier(socket)] = socket
            return true
        }
    }

    private func serve(_ socket: UnixSocket) {
        logger.info("A node has connected")
        do throws(UnixSocket.Failure) {
            while let bytes = try socket.read(isPatient: true) {
                try socket.write(answer(bytes).scaleBytes)
            }
            logger.info("A node has left")
        } catch {
            logger.info("A node is gone: \(error)")
        }
        connections.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(socket)) }
        socket.close()
    }

    private func answer(_ bytes: [UInt8]) -> SignerAnswer {
        do throws(SCALEError) {
            return desk.answer(try SCALEDecoder.decode(SignerQuery.self, from: bytes))
        } catch {
            return .refused("the query cannot be read: \(error)")
        }
    }

    /// Ends all connections and removes the socket.
    package func shutdown() {
        let wasClosed = isClosed.withLock { closed in
            defer { closed = true }
            return closed
        }
        guard !wasClosed else { return }
        closing.signal()
        Glibc.shutdown(listener, CInt(SHUT_RDWR))
        for socket in connections.withLock({ Array($0.values) }) { socket.interrupt() }
        unlink(path)
    }

    deinit { close(listener) }
}
