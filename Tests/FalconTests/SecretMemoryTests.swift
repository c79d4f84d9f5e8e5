import Falcon
import Testing

@Suite struct SecretMemoryTests {
    @Test func `a buffer is zero, aligned and large enough`() {
        for count in [1, 7, 8, 9, 4096] {
            let buffer = SecretBuffer(byteCount: count)
            #expect(buffer.bytes.count >= count)
            #expect(buffer.bytes.count % 8 == 0)
            #expect(Int(bitPattern: buffer.bytes.baseAddress) % SecretBuffer.alignment == 0)
            #expect(buffer.bytes.allSatisfy { $0 == 0 })
        }
    }

    @Test func `erasing leaves zeros`() {
        let buffer = SecretBuffer(byteCount: 1000)
        buffer.bytes.initializeMemory(as: UInt8.self, repeating: 0xA5)
        SecretBuffer.erase(buffer.bytes)
        #expect(buffer.bytes.allSatisfy { $0 == 0 })
    }

    /// Fills a buffer with a pattern and lets it go.
    @inline(never)
    private func useAndDrop(_ byteCount: Int, _ pattern: UInt8) -> UnsafeMutableRawPointer? {
        let buffer = SecretBuffer(byteCount: byteCount)
        buffer.bytes.initializeMemory(as: UInt8.self, repeating: pattern)
        return buffer.bytes.baseAddress
    }

    @Test func `memory that was secret comes back from the allocator without the secret`() {
        // The allocator mostly hands out the block that was freed last; then it can be looked at.
        var reused = 0
        for byteCount in [512, 1000, 4096, 20_000, 60_000] {
            for _ in 0..<20 {
                let address = useAndDrop(byteCount, 0x5A)
                let again = UnsafeMutableRawBufferPointer.allocate(
                    byteCount: byteCount, alignment: SecretBuffer.alignment)
                if again.baseAddress == address {
                    reused += 1
                    let left = again.count { $0 == 0x5A }
                    // The allocator's own links may happen to look like the pattern.
                    #expect(left < 32, "\(left) of \(byteCount) bytes")
                }
                again.deallocate()
            }
        }
        #expect(reused > 0)
    }

    @Test func `an arena hands out aligned pieces and takes them back`() {
        var arena = SecretArena(byteCount: 1024)
        let first = arena.take(UInt8.self, 3)
        let mark = arena.mark
        let second = arena.take(Double.self, 5)
        #expect(Int(bitPattern: second) - Int(bitPattern: first) == SecretBuffer.alignment)
        arena.release(to: mark)
        #expect(arena.take(UInt32.self, 1) == UnsafeMutableRawPointer(second))
    }

    @Test func `an arena that is too small is a programming error`() async {
        await #expect(processExitsWith: .failure) {
            var arena = SecretArena(byteCount: 64)
            _ = arena.take(UInt64.self, 9)
        }
    }
}
