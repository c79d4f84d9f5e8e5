/// The equation that ties F and G to f and g: f G - g F = q in Z[X]/(X^n + 1).
enum NTRUEquation {
    /// Whether the equation holds for f, g within ±31 and F, G within ±127.
    ///
    /// No coefficient of f G - g F exceeds 2 * 1024 * 31 * 127 < 2^23, so it is enough to look at it
    /// modulo one prime of 31 bits.
    static func holds(
        f: UnsafePointer<Int8>, g: UnsafePointer<Int8>, bigF: UnsafePointer<Int8>,
        bigG: UnsafePointer<Int8>, logDegree: Int, arena: inout SecretArena
    ) -> Bool {
        let mark = arena.mark
        defer { arena.release(to: mark) }
        let n = 1 << logDegree
        let system = ResidueSystem.shared
        let field = system[0].field
        func transformed(_ small: UnsafePointer<Int8>) -> UnsafeMutablePointer<UInt32> {
            let row = arena.take(UInt32.self, n)
            for index in 0..<n {
                row[index] = field.element(Int32(small[index]))
            }
            system.forward(row, logDegree: logDegree, prime: 0)
            return row
        }
        let (fRow, gRow) = (transformed(f), transformed(g))
        let (bigFRow, bigGRow) = (transformed(bigF), transformed(bigG))
        // q, as the products below have it.
        let expected = field.multiply(12289, 1)
        var difference: UInt32 = 0
        for index in 0..<n {
            let left = field.multiply(fRow[index], bigGRow[index])
            let right = field.multiply(gRow[index], bigFRow[index])
            difference |= field.subtract(left, right) ^ expected
        }
        return difference == 0
    }
}
