internal import CSodium

/// The group ristretto255 (RFC 9496) and its scalars, by libsodium. Scalars are 32 bytes,
/// little-endian; points 32 bytes in their only encoding.
package enum Ristretto255 {
    /// The bytes of a scalar or a point.
    package static let byteCount = 32
    /// The neutral element.
    package static let identity = [UInt8](repeating: 0, count: byteCount)

    /// Whether bytes encode a point.
    package static func isPoint(_ bytes: [UInt8]) -> Bool {
        bytes.count == byteCount && crypto_core_ristretto255_is_valid_point(bytes) == 1
    }

    /// Whether a scalar is below the group's order: reducing it changes nothing.
    static func isReduced(_ scalar: [UInt8]) -> Bool {
        guard scalar.count == byteCount else { return false }
        let wide = SecretBytes(copying: scalar + identity)
        return reduced(wide).withBytes { $0.elementsEqual(scalar) }
    }

    /// A scalar times the base point.
    package static func multiplyBase(by scalar: [UInt8]) -> [UInt8] {
        precondition(scalar.count == byteCount, "a scalar has 32 bytes")
        return multiplyBase(by: SecretBytes(copying: scalar))
    }

    static func multiplyBase(by scalar: borrowing SecretBytes) -> [UInt8] {
        var point = identity
        // Fails for the neutral element only, which is what the buffer then holds.
        let status = scalar.withPointer { crypto_scalarmult_ristretto255_base(&point, $0) }
        return status == 0 ? point : identity
    }

    /// A scalar times a point; both are public.
    static func multiply(_ point: [UInt8], by scalar: borrowing SecretBytes) -> [UInt8] {
        precondition(isPoint(point), "only points are multiplied")
        var product = identity
        let status = scalar.withPointer { crypto_scalarmult_ristretto255(&product, $0, point) }
        return status == 0 ? product : identity
    }

    /// The difference of two points; nil when one of them is none.
    static func subtract(_ right: [UInt8], from left: [UInt8]) -> [UInt8]? {
        var difference = identity
        return crypto_core_ristretto255_sub(&difference, left, right) == 0 ? difference : nil
    }

    /// 64 bytes as a scalar below the group's order.
    static func reduced(_ wide: borrowing SecretBytes) -> SecretBytes {
        precondition(wide.count == 64, "64 bytes are reduced")
        let scalar = SecretBytes(count: byteCount)
        pointers(scalar, wide) { crypto_core_ristretto255_scalar_reduce($0, $1) }
        return scalar
    }

    /// left * right + addend, below the group's order.
    static func multiplyAdd(
        _ left: borrowing SecretBytes, _ right: borrowing SecretBytes,
        plus addend: borrowing SecretBytes
    ) -> SecretBytes {
        let product = SecretBytes(count: byteCount)
        left.withPointer { left in
            pointers(product, right) { crypto_core_ristretto255_scalar_mul($0, left, $1) }
        }
        return add(product, scalar: addend)
    }

    /// The sum of two scalars, below the group's order.
    static func add(
        _ left: borrowing SecretBytes, scalar right: borrowing SecretBytes
    ) -> SecretBytes {
        let sum = SecretBytes(count: byteCount)
        left.withPointer { left in
            pointers(sum, right) { crypto_core_ristretto255_scalar_add($0, left, $1) }
        }
        return sum
    }

    private static func pointers(
        _ target: borrowing SecretBytes, _ source: borrowing SecretBytes,
        _ body: (UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<UInt8>) -> Void
    ) {
        target.withPointer { target in source.withPointer { body(target, $0) } }
    }
}
