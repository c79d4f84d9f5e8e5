extension NumberTheoreticTransform {
    /// R w^rev(i) for i in 0..<n, centred: w is a 2n-th root of unity, rev reverses the
    /// `logDegree` bits of i.
    ///
    /// `root` is a 2048th root. For n = 512 its square would be a 1024th root; but the first n
    /// entries of the table of degree 2n are the table of degree n, whatever the degree.
    static func powersInBitReversedOrder(of root: Int, logDegree: Int) -> [Int16] {
        var power = 1
        var powers: [Int] = []
        for _ in 0..<1024 {
            powers.append(power)
            power = power * root % FalconParameters.modulus
        }
        return (0..<(1 << logDegree)).map { index in
            var reversed = 0
            for bit in 0..<10 {
                reversed |= (index >> bit & 1) << (9 - bit)
            }
            return ModQ.montgomery(powers[reversed])
        }
    }

    /// The vectors that a forward transform uses, in the order of use: for each level down to
    /// distance 8 one factor a block, in all lanes; then for each group of 64 coefficients the
    /// 1 + 2 + 4 factors of the last three levels, lane by lane for its eight blocks of 8.
    static func twiddles(_ powers: [Int16], logDegree: Int) -> [Lanes] {
        let degree = 1 << logDegree
        var vectors: [Lanes] = []
        func append(_ lanes: Lanes) {
            vectors.append(lanes)
            vectors.append(lanes &* Lanes(repeating: ModQ.modulusInverse))
        }
        for index in 1..<(degree / 8) {
            append(Lanes(repeating: powers[index]))
        }
        for group in 0..<(degree / 64) {
            for blockCount in [1, 2, 4] {
                for block in 0..<blockCount {
                    var lanes = Lanes()
                    for lane in 0..<8 {
                        lanes[lane] =
                            powers[
                                blockCount * (degree / 8 + 8 * group + lane) + block]
                    }
                    append(lanes)
                }
            }
        }
        return vectors
    }

    /// The same vectors in the order in which the inverse transform uses them.
    static func inverseOrder(_ forward: [Lanes], logDegree: Int) -> [Lanes] {
        let degree = 1 << logDegree
        let groups = 2 * (degree / 8 - 1)
        var vectors: [Lanes] = []
        for group in 0..<(degree / 64) {
            let start = groups + 14 * group
            vectors += forward[(start + 6)..<(start + 14)]
            vectors += forward[(start + 2)..<(start + 6)]
            vectors += forward[start..<(start + 2)]
        }
        var blockCount = degree / 16
        while blockCount >= 1 {
            // The blocks of a level with `blockCount` blocks are factors blockCount..<2 blockCount.
            vectors += forward[(2 * (blockCount - 1))..<(2 * (2 * blockCount - 1))]
            blockCount /= 2
        }
        return vectors
    }
}
