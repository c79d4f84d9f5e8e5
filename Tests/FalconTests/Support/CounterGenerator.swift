/// The AES-256-CTR generator of NIST SP 800-90A without derivation function, as the known-answer
/// tests of the NIST competition use it: every request ends with an update of the state.
struct CounterGenerator {
    private var key = [UInt8](repeating: 0, count: 32)
    private var counter = [UInt8](repeating: 0, count: 16)

    /// Seeds the generator with 48 bytes.
    init(seed: [UInt8]) {
        precondition(seed.count == 48)
        update(with: seed)
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        let cipher = AES256(key: key)
        var output: [UInt8] = []
        while output.count < count {
            output += nextBlock(cipher)
        }
        update(with: [UInt8](repeating: 0, count: 48))
        return Array(output.prefix(count))
    }

    mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        buffer.copyBytes(from: bytes(buffer.count))
    }

    private mutating func nextBlock(_ cipher: AES256) -> [UInt8] {
        for index in counter.indices.reversed() {
            counter[index] &+= 1
            if counter[index] != 0 { break }
        }
        return cipher.encrypt(counter)
    }

    private mutating func update(with data: [UInt8]) {
        let cipher = AES256(key: key)
        var output: [UInt8] = []
        for _ in 0..<3 {
            output += nextBlock(cipher)
        }
        output = zip(output, data).map { $0 ^ $1 }
        key = Array(output[..<32])
        counter = Array(output[32...])
    }
}
