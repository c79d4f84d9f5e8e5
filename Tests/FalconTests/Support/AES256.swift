/// AES-256 encryption of single blocks (FIPS 197), enough to drive the random generator that the
/// known-answer tests are defined with. For tests only: it is neither fast nor constant-time.
struct AES256 {
    private let roundKeys: [[UInt8]]
    private static let sbox: [UInt8] = makeSBox()

    init(key: [UInt8]) {
        precondition(key.count == 32)
        var words = (0..<8).map { Array(key[(4 * $0)..<(4 * $0 + 4)]) }
        var constant: UInt8 = 1
        for index in 8..<60 {
            var word = words[index - 1]
            if index % 8 == 0 {
                word = [word[1], word[2], word[3], word[0]].map { Self.sbox[Int($0)] }
                word[0] ^= constant
                constant = Self.double(constant)
            } else if index % 8 == 4 {
                word = word.map { Self.sbox[Int($0)] }
            }
            words.append(zip(words[index - 8], word).map { $0 ^ $1 })
        }
        roundKeys = (0..<15).map { Array(words[(4 * $0)..<(4 * $0 + 4)].joined()) }
    }

    func encrypt(_ block: [UInt8]) -> [UInt8] {
        var state = zip(block, roundKeys[0]).map { $0 ^ $1 }
        for round in 1...14 {
            let bytes = state.map { Self.sbox[Int($0)] }
            // ShiftRows: byte (row, column) is at row + 4 column.
            state = (0..<16).map { bytes[($0 + 4 * ($0 % 4)) % 16] }
            if round < 14 {
                state = (0..<4).flatMap { Self.mixColumn(Array(state[(4 * $0)..<(4 * $0 + 4)])) }
            }
            state = zip(state, roundKeys[round]).map { $0 ^ $1 }
        }
        return state
    }

    private static func mixColumn(_ column: [UInt8]) -> [UInt8] {
        (0..<4).map { row in
            let next = column[(row + 1) % 4]
            return double(column[row]) ^ double(next) ^ next ^ column[(row + 2) % 4]
                ^ column[(row + 3) % 4]
        }
    }

    private static func double(_ x: UInt8) -> UInt8 {
        x << 1 ^ (x >> 7 == 1 ? 0x1B : 0)
    }

    private static func makeSBox() -> [UInt8] {
        func multiply(_ a: UInt8, _ b: UInt8) -> UInt8 {
            var (a, b, product) = (a, b, UInt8(0))
            while b > 0 {
                if b & 1 == 1 { product ^= a }
                a = double(a)
                b >>= 1
            }
            return product
        }
        return (0...255).map { (value: UInt8) in
            var inverse = value
            for _ in 0..<253 {
                inverse = multiply(inverse, value)
            }
            func rotate(_ count: UInt8) -> UInt8 { inverse << count | inverse >> (8 - count) }
            return inverse ^ rotate(1) ^ rotate(2) ^ rotate(3) ^ rotate(4) ^ 0x63
        }
    }
}
