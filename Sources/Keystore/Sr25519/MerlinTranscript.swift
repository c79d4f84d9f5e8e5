/// A transcript of a proof (Merlin 1.0): what both sides have seen, in order, and challenges that
/// depend on all of it.
package struct MerlinTranscript: ~Copyable {
    private var strobe: Strobe128

    /// A new transcript.
    package init(label: String) {
        strobe = Strobe128(label: "Merlin v1.0")
        append("dom-sep", Array(label.utf8))
    }

    /// Takes a message.
    package mutating func append(_ label: String, _ message: [UInt8]) {
        frame(label, byteCount: message.count)
        message.withUnsafeBytes { strobe.associate($0) }
    }

    /// Takes a message that is secret.
    mutating func append(_ label: String, secret: borrowing SecretBytes) {
        frame(label, byteCount: secret.count)
        secret.withBytes { strobe.associate(UnsafeRawBufferPointer($0)) }
    }

    /// Bytes that depend on everything so far.
    package mutating func challenge(_ label: String, byteCount: Int) -> SecretBytes {
        frame(label, byteCount: byteCount)
        let result = SecretBytes(count: byteCount)
        result.withBytes { strobe.output(into: $0) }
        return result
    }

    /// Bytes that only the prover can compute, and that do not repeat even if the randomness does:
    /// they depend on the transcript, on a secret and on 32 random bytes. The transcript itself
    /// stays as it is.
    borrowing func witness(
        _ label: String, byteCount: Int, secret: borrowing SecretBytes,
        random: borrowing SecretBytes
    ) -> SecretBytes {
        precondition(random.count == 32, "Merlin takes 32 random bytes")
        var branch = strobe.copy()
        branch.metaAssociate(Array(label.utf8), isContinued: false)
        branch.metaAssociate(Self.length(secret.count), isContinued: true)
        secret.withBytes { branch.key(UnsafeRawBufferPointer($0)) }
        branch.metaAssociate(Array("rng".utf8), isContinued: false)
        random.withBytes { branch.key(UnsafeRawBufferPointer($0)) }
        branch.metaAssociate(Self.length(byteCount), isContinued: false)
        let result = SecretBytes(count: byteCount)
        result.withBytes { branch.output(into: $0) }
        return result
    }

    private mutating func frame(_ label: String, byteCount: Int) {
        strobe.metaAssociate(Array(label.utf8), isContinued: false)
        strobe.metaAssociate(Self.length(byteCount), isContinued: true)
    }

    private static func length(_ count: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
    }
}
