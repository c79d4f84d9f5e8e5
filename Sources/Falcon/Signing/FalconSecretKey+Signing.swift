extension FalconSecretKey {
    /// Signs `message` in the form of votes: exactly `paddedSignatureByteCount` bytes (1280 for
    /// Falcon-1024), header byte, 40-byte nonce, compressed s2, zeros.
    ///
    /// `randomness` writes random bytes into the buffer it is given: first 40 for the nonce, then 48
    /// from which the sampler is seeded. They must be fresh for every call, from the operating
    /// system: two different signatures with one nonce and message give the key away. About one
    /// attempt in a thousand does not fit and is made again by itself, with the same nonce.
    public borrowing func sign<Failure: Error>(
        message: [UInt8],
        randomness: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) -> [UInt8] {
        defer { SecretBuffer.eraseStack() }
        let byteCount = parameters.paddedSignatureByteCount
        var signature = [UInt8](repeating: 0, count: byteCount)
        var attempt = try SigningAttempt(
            parameters, message: message, signature: &signature, randomness: randomness)
        while attempt.sign(with: expanded, to: &signature) == nil {}
        return signature
    }

    /// Signs `message` in the form of variable length: as above, without the zeros.
    ///
    /// - Throws: what `randomness` throws. The result is `nil` in the rare case (below one in 2^64)
    ///   that the signature does not fit in `maximumSignatureByteCount` bytes.
    public borrowing func signVariableLength<Failure: Error>(
        message: [UInt8],
        randomness: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) -> [UInt8]? {
        defer { SecretBuffer.eraseStack() }
        var signature = [UInt8](repeating: 0, count: parameters.maximumSignatureByteCount)
        var attempt = try SigningAttempt(
            parameters, message: message, signature: &signature, randomness: randomness)
        guard let byteCount = attempt.sign(with: expanded, to: &signature) else { return nil }
        signature.removeLast(signature.count - byteCount)
        return signature
    }
}

/// The making of one signature: specification, algorithm 10, and all memory it takes.
private struct SigningAttempt: ~Copyable {
    private let parameters: FalconParameters
    private let arena: SecretArena
    private let point: UnsafeMutablePointer<Int16>
    private let s2: UnsafeMutablePointer<Int16>
    /// SHAKE256 of the 48 bytes, which seeds the sampler of every attempt.
    private let seed: UnsafeMutablePointer<Shake256>
    private let t0, t1, scratch: UnsafeMutablePointer<Double>
    private var sampler: GaussianSampler

    private static func arenaByteCount(_ parameters: FalconParameters) -> Int {
        let n = parameters.degree
        return 8 * (2 * n + FourierSampler.scratchSize(logDegree: parameters.logDegree))
            + 2 * (2 * n + HashToPoint.slack)
            + ChaChaGenerator.bufferByteCount + 1024
    }

    /// Draws the nonce into `signature` behind its header, hashes the message, then draws the seed.
    init<Failure: Error>(
        _ parameters: FalconParameters, message: [UInt8], signature: inout [UInt8],
        randomness: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let n = parameters.degree
        var arena = SecretArena(byteCount: Self.arenaByteCount(parameters))
        let point = arena.take(Int16.self, n + HashToPoint.slack)
        let nonce = UnsafeMutableRawBufferPointer(
            start: arena.take(UInt8.self, 48), count: FalconParameters.nonceByteCount)
        try randomness(nonce)
        signature[0] = parameters.signatureHeader
        for index in nonce.indices {
            signature[1 + index] = nonce[index]
        }
        message.withUnsafeBytes { message in
            HashToPoint.hash(
                nonce: UnsafeRawBufferPointer(nonce), message: message, degree: n, to: point)
        }
        let seedBytes = UnsafeMutableRawBufferPointer(start: nonce.baseAddress, count: 48)
        try randomness(seedBytes)
        let seed = arena.take(Shake256.self, 1)
        seed.initialize(to: Shake256())
        seed.pointee.absorb(UnsafeRawBufferPointer(seedBytes))

        self.parameters = parameters
        self.point = point
        self.seed = seed
        s2 = arena.take(Int16.self, n)
        t0 = arena.take(Double.self, n)
        t1 = arena.take(Double.self, n)
        scratch = arena.take(
            Double.self, FourierSampler.scratchSize(logDegree: parameters.logDegree))
        sampler = GaussianSampler(parameters, generator: ChaChaGenerator(arena: &arena))
        self.arena = arena
    }

    /// Finds a short (s1, s2) and writes s2 behind the nonce in `signature`.
    ///
    /// - Returns: how many bytes of `signature` are in use, or `nil` if s2 does not fit; the next
    ///   call tries with other randomness.
    mutating func sign(with key: borrowing ExpandedKey, to signature: inout [UInt8]) -> Int? {
        repeat {
            sampler.seed(from: seed)
            setTarget(key)
            sampleNearby(key)
        } while !isShort(key)
        let headByteCount = 1 + FalconParameters.nonceByteCount
        let written = signature.withUnsafeMutableBufferPointer { buffer in
            let output = buffer.baseAddress.unsafelyUnwrapped + headByteCount
            let capacity = buffer.count - headByteCount
            let count = CompressedPolynomialEncoding.encode(
                s2, count: parameters.degree, to: output, capacity: capacity)
            // What an attempt that did not fit has left behind.
            (output + (count ?? 0)).update(repeating: 0, count: capacity - (count ?? 0))
            return count
        }
        return written.map { headByteCount + $0 }
    }

    /// (t0, t1) = (c, 0) B^-1, transformed: c b11 / q and -c b01 / q.
    private func setTarget(_ key: borrowing ExpandedKey) {
        let n = parameters.degree
        let inverseOfQ = 1.0 / 12289.0
        for index in 0..<n {
            t0[index] = Double(point[index])
        }
        FourierTransform.forward(t0, logDegree: parameters.logDegree)
        t1.update(from: t0, count: n)
        FourierTransform.multiply(t1, key.b01, n)
        FourierTransform.scale(t1, by: -inverseOfQ, n)
        FourierTransform.multiply(t0, key.b11, n)
        FourierTransform.scale(t0, by: inverseOfQ, n)
    }

    /// Replaces the target by an integral vector near it.
    private mutating func sampleNearby(_ key: borrowing ExpandedKey) {
        let tree = key.tree
        sampler = FourierTransform.withRoots { rootsReal, rootsImaginary in
            var fourier = FourierSampler(sampler, rootsReal, rootsImaginary)
            fourier.sample(
                t0, t1, tree: tree, logDegree: parameters.logDegree, scratch: scratch)
            return fourier.sampler
        }
    }

    /// Sets s2 from the lattice point (t0, t1) B, and tells whether (s1, s2) is short enough.
    private func isShort(_ key: borrowing ExpandedKey) -> Bool {
        let n = parameters.degree
        let (x, y) = (scratch, scratch + n)
        x.update(from: t0, count: n)
        y.update(from: t1, count: n)
        FourierTransform.multiply(x, key.b00, n)
        FourierTransform.multiply(y, key.b10, n)
        FourierTransform.add(x, y, n)
        y.update(from: t0, count: n)
        FourierTransform.multiply(y, key.b01, n)
        FourierTransform.multiply(t1, key.b11, n)
        FourierTransform.add(t1, y, n)
        FourierTransform.inverse(x, logDegree: parameters.logDegree)
        FourierTransform.inverse(t1, logDegree: parameters.logDegree)
        // Coefficients of key and sampled vector are small: all values are far below 2^31, and so
        // the squares' sum is below 2^63.
        var norm: Int64 = 0
        for index in 0..<n {
            let s1 = Int64(point[index]) &- Rounding.nearestInteger(x[index])
            let value = 0 &- Rounding.nearestInteger(t1[index])
            norm &+= s1 &* s1 &+ value &* value
            s2[index] = Int16(truncatingIfNeeded: value)
        }
        return UInt64(bitPattern: norm) <= parameters.squaredNormBound
    }
}
