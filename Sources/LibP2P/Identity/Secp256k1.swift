/// Checks ECDSA signatures over the curve secp256k1 (SEC 1 version 2.0, 4.1.4; the curve: SEC 2
/// version 2.0, 2.4.1).
///
/// Only public values come here, so nothing has to take the same time for all of them. The numbers
/// are 256 bits wide, four words of 64, the lowest first.
struct Secp256k1PublicKey: Sendable {
    private let point: CurvePoint

    /// Reads a compressed point, 33 bytes; nil when it is none of the curve.
    init?(compressed bytes: [UInt8]) {
        guard bytes.count == 33, bytes[0] == 2 || bytes[0] == 3 else { return nil }
        let x = Word256(bigEndian: bytes[1...])
        let field = Modulus.field
        guard x < field.value else { return nil }
        let square = field.add(field.multiply(field.multiply(x, x), x), Word256(7))
        // The field's order is 3 modulo 4: this is a root when there is one.
        let root = field.power(square, CurvePoint.rootExponent)
        guard field.multiply(root, root) == square else { return nil }
        let isOdd = bytes[0] == 3
        point = CurvePoint(x, root.isOdd == isOdd ? root : field.subtract(.zero, root))
    }

    /// Whether a signature (SEC 1, C.5: two integers in DER) of the SHA-256 `digest` is right.
    func isValidSignature(_ signature: [UInt8], digest: [UInt8]) -> Bool {
        guard digest.count == 32, let (r, s) = Self.integers(ofDER: signature) else { return false }
        let order = Modulus.order
        guard r != .zero, s != .zero, r < order.value, s < order.value else { return false }
        let inverse = order.inverse(s)
        let first = order.multiply(order.reduce(Word256(bigEndian: digest[...])), inverse)
        let second = order.multiply(r, inverse)
        guard let x = CurvePoint.sum(first, .generator, second, point).affineX else { return false }
        return order.reduce(x) == r
    }

    /// The two integers of a signature: a sequence of both, nothing else, in the shortest form.
    private static func integers(ofDER bytes: [UInt8]) -> (Word256, Word256)? {
        guard bytes.count >= 8, bytes[0] == 0x30, Int(bytes[1]) == bytes.count - 2 else {
            return nil
        }
        var rest = bytes[2...]
        guard let r = integer(&rest), let s = integer(&rest), rest.isEmpty else { return nil }
        return (r, s)
    }

    private static func integer(_ bytes: inout ArraySlice<UInt8>) -> Word256? {
        guard bytes.count >= 3, bytes.popFirst() == 2, let count = bytes.popFirst(),
            (1...33).contains(count), bytes.count >= Int(count)
        else { return nil }
        var content = bytes.prefix(Int(count))
        bytes = bytes.dropFirst(Int(count))
        guard let first = content.first, first < 0x80 else { return nil }
        if first == 0 {
            content = content.dropFirst()
            // The zero is there to keep the sign off, or as the number itself.
            guard content.first.map({ $0 >= 0x80 }) ?? true else { return nil }
        }
        return content.count <= 32 ? Word256(bigEndian: content) : nil
    }
}

/// A point in Jacobian coordinates: (x / z^2, y / z^3); z is 0 at infinity.
private struct CurvePoint: Sendable {
    var x: Word256
    var y: Word256
    var z: Word256

    static let infinity = CurvePoint(Word256(1), Word256(1), z: .zero)
    static let generator = CurvePoint(
        Word256(
            0x59F2_815B_16F8_1798, 0x029B_FCDB_2DCE_28D9, 0x55A0_6295_CE87_0B07,
            0x79BE_667E_F9DC_BBAC),
        Word256(
            0x9C47_D08F_FB10_D4B8, 0xFD17_B448_A685_5419, 0x5DA4_FBFC_0E11_08A8,
            0x483A_DA77_26A3_C465))
    /// (p + 1) / 4.
    static let rootExponent = Word256(
        0xFFFF_FFFF_BFFF_FF0C, 0xFFFF_FFFF_FFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF,
        0x3FFF_FFFF_FFFF_FFFF)

    init(_ x: Word256, _ y: Word256, z: Word256 = Word256(1)) {
        (self.x, self.y, self.z) = (x, y, z)
    }

    /// x of the point itself; nil at infinity.
    var affineX: Word256? {
        guard z != .zero else { return nil }
        let inverse = Modulus.field.inverse(z)
        return Modulus.field.multiply(x, Modulus.field.multiply(inverse, inverse))
    }

    var doubled: CurvePoint {
        let field = Modulus.field
        let ySquare = field.multiply(y, y)
        let s = field.times4(field.multiply(x, ySquare))
        let xSquare = field.multiply(x, x)
        let m = field.add(field.add(xSquare, xSquare), xSquare)
        let newX = field.subtract(field.multiply(m, m), field.add(s, s))
        let yFourth = field.times4(field.multiply(ySquare, ySquare))
        let newY = field.subtract(
            field.multiply(m, field.subtract(s, newX)), field.add(yFourth, yFourth))
        let product = field.multiply(y, z)
        return CurvePoint(newX, newY, z: field.add(product, product))
    }

    func adding(_ other: CurvePoint) -> CurvePoint {
        if z == .zero { return other }
        if other.z == .zero { return self }
        let field = Modulus.field
        let (zz, otherZZ) = (field.multiply(z, z), field.multiply(other.z, other.z))
        let (u, otherU) = (field.multiply(x, otherZZ), field.multiply(other.x, zz))
        let s = field.multiply(y, field.multiply(other.z, otherZZ))
        let otherS = field.multiply(other.y, field.multiply(z, zz))
        let (h, r) = (field.subtract(otherU, u), field.subtract(otherS, s))
        if h == .zero { return r == .zero ? doubled : .infinity }
        let hh = field.multiply(h, h)
        let hhh = field.multiply(h, hh)
        let v = field.multiply(u, hh)
        let newX = field.subtract(field.subtract(field.multiply(r, r), hhh), field.add(v, v))
        let newY = field.subtract(
            field.multiply(r, field.subtract(v, newX)), field.multiply(s, hhh))
        return CurvePoint(newX, newY, z: field.multiply(field.multiply(z, other.z), h))
    }

    /// first * one + second * other: both at once, bit by bit from the top.
    static func sum(
        _ first: Word256, _ one: CurvePoint, _ second: Word256, _ other: CurvePoint
    ) -> CurvePoint {
        let both = one.adding(other)
        var result = infinity
        for bit in (0..<256).reversed() {
            result = result.doubled
            switch (first.bit(bit), second.bit(bit)) {
            case (true, true): result = result.adding(both)
            case (true, false): result = result.adding(one)
            case (false, true): result = result.adding(other)
            case (false, false): break
            }
        }
        return result
    }
}
