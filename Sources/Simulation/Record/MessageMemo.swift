/// What was computed of the messages looked at last: one and the same array is sent to many nodes.
///
/// An array that is kept here cannot change and its memory is not used for another one, so that
/// equal addresses mean equal bytes.
struct MessageMemo<Value> {
    private static var placeCount: Int { 512 }

    private var known: [(bytes: [UInt8], value: Value)?]

    init() { known = Array(repeating: nil, count: Self.placeCount) }

    /// The value of a message, as `compute` gives it.
    mutating func value(for bytes: [UInt8], _ compute: ([UInt8]) -> Value) -> Value {
        let address = Self.address(of: bytes)
        let place = Int(truncatingIfNeeded: (address >> 4) ^ (address >> 13)) % Self.placeCount
        if let entry = known[place], Self.address(of: entry.bytes) == address,
            entry.bytes.count == bytes.count
        {
            return entry.value
        }
        let value = compute(bytes)
        known[place] = (bytes, value)
        return value
    }

    private static func address(of bytes: [UInt8]) -> UInt {
        bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) & UInt(Int.max) }
    }
}

extension MessageMemo: Sendable where Value: Sendable {}
