/// A Falcon secret key, ready to sign.
///
/// The key owns one heap block with everything secret in it: the encoded key, the transformed basis
/// [[g, -f], [G, -F]] and the Falcon tree. The block is erased when the key goes, as are the
/// temporaries of every operation, and the stack they have used. A key cannot be copied; lend it, or keep it inside an actor.
///
/// Making a key, from bytes or from a seed, does once what signing needs of it, so a signature takes
/// half the time it takes from the bare polynomials.
//
// Unchecked: the block is uniquely owned, written only by the initialisers and read only while the
// key lives, so any number of threads may sign with one key at once.
public struct FalconSecretKey: ~Copyable, @unchecked Sendable {
    /// The parameter set of the key.
    public var parameters: FalconParameters { publicKey.parameters }

    /// The public key that belongs to this key.
    public let publicKey: FalconPublicKey

    let expanded: ExpandedKey

    private init(publicKey: FalconPublicKey, expanded: consuming ExpandedKey) {
        self.publicKey = publicKey
        self.expanded = expanded
    }

    /// Decodes a key: header byte, f, g and F. G and the public key are computed from them.
    ///
    /// `bytes` is the caller's; it is not erased.
    ///
    /// - Throws: ``FalconError/secretKeyLength(actual:expected:)``,
    ///   ``FalconError/secretKeyHeader(actual:expected:)``,
    ///   ``FalconError/secretKeyCoefficientOutOfRange`` or ``FalconError/secretKeyInconsistent``.
    public init(
        bytes: [UInt8], parameters: FalconParameters = .falcon1024
    ) throws(FalconError) {
        defer { SecretBuffer.eraseStack() }
        let expected = parameters.secretKeyByteCount
        guard bytes.count == expected else {
            throw .secretKeyLength(actual: bytes.count, expected: expected)
        }
        guard bytes[0] == parameters.secretKeyHeader else {
            throw .secretKeyHeader(actual: bytes[0], expected: parameters.secretKeyHeader)
        }
        var arena = SecretArena(byteCount: KeyPolynomials.arenaByteCount(parameters))
        let polynomials = KeyPolynomials(arena: &arena, parameters)
        guard bytes.withUnsafeBufferPointer({ polynomials.decode($0) }) else {
            throw .secretKeyCoefficientOutOfRange
        }
        guard polynomials.completeAndCheck(arena: &arena) else {
            throw .secretKeyInconsistent
        }
        try self.init(polynomials, arena: &arena)
    }

    /// Generates the key that belongs to `seed`, bytes of any number: the reference key generation
    /// run on SHAKE256(seed). With 48 fresh random bytes that is the reference's own key generation.
    ///
    /// `seed` is the caller's; it is not erased.
    public init(seed: [UInt8], parameters: FalconParameters = .falcon1024) {
        self = Self.generate(parameters) { $0.absorb(seed) }
    }

    /// Generates a key from 48 bytes that `randomness` writes into the buffer it is given; they must
    /// come from the operating system, or another source nobody can predict.
    public init<Failure: Error>(
        parameters: FalconParameters = .falcon1024,
        randomness: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let seed = SecretBuffer(byteCount: 48)
        try randomness(seed.bytes)
        self = Self.generate(parameters) { $0.absorb(UnsafeRawBufferPointer(seed.bytes)) }
    }

    /// The key of a development account, known to everybody: generated from the seed
    /// "quantumharmony/dev-falcon/1" followed by `uri` ("//Alice"), as ASCII. For test networks only.
    public init(developmentURI uri: String) {
        self.init(seed: Array("quantumharmony/dev-falcon/1".utf8) + Array(uri.utf8))
    }

    /// Expands checked polynomials.
    private init(_ polynomials: KeyPolynomials, arena: inout SecretArena) throws(FalconError) {
        guard let expanded = ExpandedKey(polynomials, arena: &arena) else {
            throw .secretKeyInconsistent
        }
        let publicKey = FalconPublicKey(h: polynomials.h, parameters: polynomials.parameters)
        self.init(publicKey: publicKey, expanded: expanded)
    }

    /// Generates a key from SHAKE256 of what `absorbSeed` absorbs.
    private static func generate(
        _ parameters: FalconParameters, absorbSeed: (inout Shake256) -> Void
    ) -> FalconSecretKey {
        defer { SecretBuffer.eraseStack() }
        var arena = SecretArena(
            byteCount: KeyPolynomials.arenaByteCount(parameters)
                + KeyGenerator.arenaByteCount(parameters))
        let polynomials = KeyPolynomials(arena: &arena, parameters)
        let random = arena.take(Shake256.self, 1)
        random.initialize(to: Shake256())
        absorbSeed(&random.pointee)
        var generator = KeyGenerator(polynomials, random)
        while true {
            generator.generate(arena: &arena)
            // The generator has checked what expansion checks; a key that just fails it because of
            // rounding is passed over, as the generator passes over others.
            if let key = try? FalconSecretKey(polynomials, arena: &arena) {
                return key
            }
        }
    }

    /// Calls `body` with the encoded key, `parameters.secretKeyByteCount` bytes, for storing it.
    public borrowing func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(expanded.encoded)
    }

    /// A copy of the encoded key. It is the caller's to look after; nothing erases it.
    public var bytes: [UInt8] {
        withUnsafeBytes { Array($0) }
    }
}
