import Primitives
import SCALE

/// The properties that many targets share.
enum Properties {
    /// Throws a finding unless the condition holds.
    static func require(
        _ condition: Bool, _ finding: @autoclosure () -> String
    ) throws(FuzzFinding) {
        if !condition { throw FuzzFinding(finding()) }
    }

    // MARK: SCALE

    /// A SCALE type: what decodes is canonical, decodes again to an equal value, and neither a
    /// part of the bytes nor more of them is the same.
    static func scale<Value: SCALECodable & Equatable>(
        _ type: Value.Type, _ bytes: [UInt8]
    ) throws(FuzzFinding) -> FuzzOutcome {
        try canonical(
            bytes,
            decode: { try? SCALEDecoder.decode(Value.self, from: $0) }, encode: \.scaleBytes)
    }

    /// The same for a decoder of any kind whose values have one encoding each.
    static func canonical<Value: Equatable>(
        _ bytes: [UInt8], decode: ([UInt8]) -> Value?, encode: (Value) -> [UInt8]
    ) throws(FuzzFinding) -> FuzzOutcome {
        guard let value = decode(bytes) else { return .refused }
        try require(encode(value) == bytes, "\(Value.self): not canonical")
        try require(decode(bytes) == value, "\(Value.self): decodes differently a second time")
        try require(decode(bytes + [0]) == nil, "\(Value.self): takes one more byte")
        for count in cuts(of: bytes.count) {
            try require(
                decode(Array(bytes.prefix(count))) != value,
                "\(Value.self): equal when cut to \(count) of \(bytes.count) bytes")
        }
        return .accepted
    }

    /// A form that allows several encodings: what is written for a value is read as that value.
    static func roundTrip<Value: Equatable>(
        _ bytes: [UInt8], decode: ([UInt8]) -> Value?, encode: (Value) -> [UInt8]?
    ) throws(FuzzFinding) -> FuzzOutcome {
        guard let value = decode(bytes) else { return .refused }
        guard let written = encode(value) else {
            throw FuzzFinding("\(Value.self): was read and cannot be written")
        }
        try require(decode(written) == value, "\(Value.self): written and read is another value")
        try require(
            decode(written).flatMap(encode) == written, "\(Value.self): written twice differs")
        return .accepted
    }

    /// Lengths below `count`: all of the first ones and the last ones, and some between.
    private static func cuts(of count: Int) -> [Int] {
        guard count > 24 else { return Array(0..<count) }
        let step = max(1, count / 8)
        return Array(0..<8) + Array(stride(from: 8, to: count - 8, by: step))
            + Array(count - 8..<count)
    }

    // MARK: Pieces

    /// The ways in which an input is cut before it is fed: whole, byte by byte, and in random
    /// pieces, which the input itself decides.
    static func cuttings(of bytes: [UInt8]) -> [[[UInt8]]] {
        guard !bytes.isEmpty else { return Array(repeating: [[]], count: 3) }
        var random = SeededGenerator(seed: seed(of: bytes))
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let bound = 1 << Int.random(in: 1...9, using: &random)
            let count = Int.random(in: 1...bound, using: &random)
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        // Byte by byte, and what is long a little faster.
        let step = bytes.count <= 2_048 ? 1 : 7
        let fine = stride(from: 0, to: bytes.count, by: step).map {
            Array(bytes[$0..<min(bytes.count, $0 + step)])
        }
        return [[bytes], fine, pieces]
    }

    /// Feeds the input in every cutting; all must come to the same.
    static func agreeing<Observation: Equatable>(
        _ bytes: [UInt8], _ observe: ([[UInt8]]) throws(FuzzFinding) -> Observation
    ) throws(FuzzFinding) -> Observation {
        let cuttings = cuttings(of: bytes)
        let first = try observe(cuttings[0])
        for (number, pieces) in cuttings.enumerated().dropFirst() {
            let other = try observe(pieces)
            try require(
                other == first,
                "cutting \(number) of \(bytes.count) bytes gives \(other), whole \(first)")
        }
        return first
    }

    /// A number that depends on every byte.
    static func seed(of bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
