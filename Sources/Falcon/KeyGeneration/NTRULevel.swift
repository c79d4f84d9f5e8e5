/// Sizes of the numbers at each level of the NTRU solver, from the reference implementation.
///
/// Level `depth` works on polynomials of degree n / 2^depth. All sizes are for n = 1024, and
/// are generous for n = 512.
enum NTRULevel {
    /// 31-bit words of a coefficient of f and g, and of the reduced F and G.
    static let wordCount = [1, 1, 2, 2, 4, 7, 14, 27, 53, 106, 209]

    /// 31-bit words of a coefficient of F and G before they are reduced.
    static let liftedWordCount = [2, 2, 5, 7, 12, 21, 40, 78, 157, 308]

    /// Bits of the greatest coefficient of f and g, measured over many keys: average and standard
    /// deviation.
    static let bitLength: [(average: Int, deviation: Int)] = [
        (4, 0), (11, 1), (24, 1), (50, 1), (102, 1), (202, 2), (401, 4), (794, 5), (1577, 8),
        (3138, 13), (6308, 25),
    ]
}
