import Falcon
import Testing

@Suite struct Shake256Tests {
    /// Outputs of OpenSSL's SHAKE256 (through Python's hashlib) for the input 0, 1, 2, ... 250, 0, ...
    /// of a length around the ends of one and two blocks.
    static let knownAnswers: [(inputByteCount: Int, first32Bytes: String)] = [
        (0, "46B9DD2B0BA88D13233B3FEB743EEB243FCD52EA62B81B82B50C27646ED5762F"),
        (1, "B8D01DF855F7075882C636F6DDEACF41E5DE0BBF30042EF0A86E36F4B8600D54"),
        (8, "B44DAE93F2360C4914FA999F3AED53901D47A1B614109E4BFBE8A595D5DD5058"),
        (135, "C45DAE624AD8A2F5AA7BAC9D7557737FD91C96EEDB70A6BE5574D57A844EADE0"),
        (136, "B7FF4073B3F5A8EABD6E17705CA7F6761A31058F9DF781A6A47E3A3063B9D67A"),
        (137, "01D90952C642A5EB2A8FC9D713F843A45D7AC05132DDDCB2EFC9BEBC27E37BCB"),
        (200, "4EE1CA03272B05D3BFB1E1C79A967F823B9FC5E4BB3987B1BA9E9CB5AFB07A5E"),
        (271, "946985982420B82481721A498EF0C8668D553177FD0DA17BC67DB9D2034D12EA"),
        (272, "E3299FA992163E7FFC875AFF708DAC93D2157E9B4CCAA2A13BA1CA4EF0B40F29"),
        (273, "3BF949E3523DE3B5A8CB9E105AE817050987D0F31655722FA601E460D60C5DDA"),
        (1000, "34833F03ED88BB5F083CE590C7AE5AF93EDE33E11F53C70E47916C7044746ACB"),
    ]

    private static func input(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8($0 % 251) }
    }

    @Test(arguments: knownAnswers)
    func `output is the standard's`(inputByteCount: Int, first32Bytes: String) {
        var sponge = Shake256(absorbing: Self.input(inputByteCount))
        #expect(Hex.encode(sponge.squeeze(byteCount: 32)) == first32Bytes)
    }

    @Test func `output goes on for many blocks`() {
        // Bytes 1000 to 1031 of the output for the empty input, by hashlib.
        var sponge = Shake256()
        let output = sponge.squeeze(byteCount: 1032)
        #expect(
            Hex.encode(output[1000...])
                == "B1FDAFF1BEC8A4267AEC571011272F0C36555077C073A184E5B69820F36D7E0D")
    }

    @Test(arguments: [1, 2, 3, 7, 8, 135, 136, 137, 500])
    func `pieces of any size give the same as the whole`(size: Int) {
        let input = Self.input(700)
        var whole = Shake256(absorbing: input)
        var pieces = Shake256()
        for start in stride(from: 0, to: input.count, by: size) {
            pieces.absorb(Array(input[start..<min(start + size, input.count)]))
        }
        var output: [UInt8] = []
        while output.count < 700 {
            output += pieces.squeeze(byteCount: size)
        }
        #expect(Array(output[..<700]) == whole.squeeze(byteCount: 700))
    }

    @Test func `a copy goes its own way`() {
        var first = Shake256(absorbing: [1, 2, 3])
        var second = first
        second.absorb([4])
        var expected = Shake256(absorbing: [1, 2, 3, 4])
        #expect(second.squeeze(byteCount: 64) == expected.squeeze(byteCount: 64))
        var unchanged = Shake256(absorbing: [1, 2, 3])
        #expect(first.squeeze(byteCount: 64) == unchanged.squeeze(byteCount: 64))
    }

    @Test func `absorbing after squeezing is a programming error`() async {
        await #expect(processExitsWith: .failure) {
            var sponge = Shake256()
            _ = sponge.squeeze(byteCount: 1)
            sponge.absorb([0])
        }
    }
}
