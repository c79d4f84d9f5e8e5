import SCALE
import Testing

struct VectorTests {
    @Test(
        "a valid vector encodes to its bytes and decodes to the same",
        arguments: try ScaleVectors.load().valid)
    func valid(_ vector: ScaleVectors.Valid) throws {
        let codec = try #require(vectorCodec(named: vector.type), "no codec for \(vector.type)")
        let expected = bytes(vector.scale)
        #expect(codec.encode(vector.value) == expected)
        #expect(try codec.recode(expected) == expected)
    }

    @Test("an invalid vector is refused", arguments: try ScaleVectors.load().invalid)
    func invalid(_ vector: ScaleVectors.Invalid) throws {
        let codec = try #require(vectorCodec(named: vector.type), "no codec for \(vector.type)")
        #expect(throws: SCALEError.self) { _ = try codec.recode(bytes(vector.scale)) }
    }

    @Test("every truncation of a valid vector is refused", arguments: try ScaleVectors.load().valid)
    func truncations(_ vector: ScaleVectors.Valid) throws {
        let codec = try #require(vectorCodec(named: vector.type), "no codec for \(vector.type)")
        let whole = bytes(vector.scale)
        for count in 0..<whole.count {
            #expect(throws: SCALEError.self) { _ = try codec.recode(Array(whole.prefix(count))) }
        }
    }

    @Test("a byte after a valid vector is refused", arguments: try ScaleVectors.load().valid)
    func trailing(_ vector: ScaleVectors.Valid) throws {
        let codec = try #require(vectorCodec(named: vector.type), "no codec for \(vector.type)")
        #expect(throws: SCALEError.trailingBytes(count: 1)) {
            _ = try codec.recode(bytes(vector.scale) + [0])
        }
    }
}
