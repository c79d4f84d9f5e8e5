internal import Glibc

/// Secret bytes in one heap buffer that is erased when it goes.
package struct SecretBytes: ~Copyable {
    private let address: UnsafeMutableRawPointer
    private let capacity: Int
    /// How many bytes are in use.
    package private(set) var count: Int

    /// `count` zero bytes.
    package init(count: Int) {
        capacity = max(count, 1)
        address = .allocate(byteCount: capacity, alignment: 16)
        address.initializeMemory(as: UInt8.self, repeating: 0, count: capacity)
        self.count = count
    }

    /// A copy of bytes, which stay the caller's to erase.
    package init(copying bytes: some Collection<UInt8>) {
        self.init(count: bytes.count)
        withBytes { $0.copyBytes(from: bytes) }
    }

    deinit {
        explicit_bzero(address, capacity)
        address.deallocate()
    }

    /// Lends the bytes; the pointer is not to be kept.
    package borrowing func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeMutableRawBufferPointer(start: address, count: count))
    }

    /// Lends the first byte; the pointer is not to be kept.
    borrowing func withPointer<Result>(
        _ body: (UnsafeMutablePointer<UInt8>) -> Result
    ) -> Result { body(address.assumingMemoryBound(to: UInt8.self)) }

    /// Forgets all bytes from `count` on.
    mutating func truncate(to count: Int) {
        precondition(count <= self.count)
        self.count = count
    }

    /// The bytes as lower-case hexadecimal digits in ASCII, in a buffer that is erased, too.
    package borrowing func hexDigits() -> SecretBytes {
        let digits = SecretBytes(count: 2 * count)
        withBytes { source in
            digits.withBytes { target in
                for (index, byte) in source.enumerated() {
                    target[2 * index] = Self.digit(byte >> 4)
                    target[2 * index + 1] = Self.digit(byte & 15)
                }
            }
        }
        return digits
    }

    /// Reads hexadecimal digits of either case; nil for anything else.
    static func reading(hexDigits digits: UnsafeRawBufferPointer) -> SecretBytes? {
        guard digits.count % 2 == 0 else { return nil }
        let result = SecretBytes(count: digits.count / 2)
        let isValid = result.withBytes { target in
            for index in target.indices {
                guard let high = value(digits[2 * index]), let low = value(digits[2 * index + 1])
                else { return false }
                target[index] = high << 4 | low
            }
            return true
        }
        guard isValid else { return nil }
        return result
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// Randomness of the operating system.
enum SystemRandomness {
    /// What `getentropy` gives at a time.
    private static let maximumPartByteCount = 256

    /// Random bytes.
    static func bytes(count: Int) throws(KeystoreError) -> SecretBytes {
        let result = SecretBytes(count: count)
        try result.withBytes { (buffer) throws(KeystoreError) in try fill(buffer) }
        return result
    }

    /// Fills a buffer.
    static func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(KeystoreError) {
        for start in stride(from: 0, to: buffer.count, by: maximumPartByteCount) {
            let end = min(start + maximumPartByteCount, buffer.count)
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[start..<end])
            guard let address = part.baseAddress, getentropy(address, part.count) == 0 else {
                throw .noRandomness(reason: String(cString: strerror(errno)))
            }
        }
    }
}

extension [UInt8] {
    /// Overwrites the bytes with zeros, in a way that is not optimised out.
    mutating func erase() {
        withUnsafeMutableBytes { buffer in
            if let address = buffer.baseAddress { explicit_bzero(address, buffer.count) }
        }
    }
}
