import SCALE

/// What the vectors name a type by, with ways to read it back and to write it from JSON.
struct VectorCodec: Sendable {
    /// Decodes all bytes and encodes what was read.
    let recode: @Sendable ([UInt8]) throws -> [UInt8]
    /// Encodes the JSON value; nil when it has not the type's shape.
    let encode: @Sendable (JSONValue) -> [UInt8]?
}

/// The codec of a type as the vectors spell it.
func vectorCodec(named type: String) -> VectorCodec? {
    integerCodec(named: type) ?? compactCodec(named: type) ?? optionCodec(named: type)
        ?? sequenceCodec(named: type) ?? compoundCodec(named: type)
}

/// Encodes what the body appends.
func encoding(_ body: (inout SCALEEncoder) -> Void) -> [UInt8] {
    var encoder = SCALEEncoder()
    body(&encoder)
    return encoder.bytes
}

/// Decodes bytes by hand; all must be consumed.
func decoding<Value>(
    _ input: [UInt8], _ body: (inout SCALEDecoder) throws(SCALEError) -> Value
) throws -> Value {
    var decoder = SCALEDecoder(input)
    let value = try body(&decoder)
    try decoder.finish()
    return value
}

private func typed<Value: SCALECodable & Sendable>(
    _ type: Value.Type, _ make: @escaping @Sendable (JSONValue) -> Value?
) -> VectorCodec {
    VectorCodec(
        recode: { try SCALEDecoder.decode(Value.self, from: $0).scaleBytes },
        encode: { make($0)?.scaleBytes })
}

private func integerCodec(named type: String) -> VectorCodec? {
    func integer<Value: FixedWidthInteger & SCALECodable & Sendable>(
        _: Value.Type
    ) -> VectorCodec {
        typed(Value.self) { $0.digits.flatMap { Value($0) } }
    }
    switch type {
    case "u8": return integer(UInt8.self)
    case "i8": return integer(Int8.self)
    case "u16": return integer(UInt16.self)
    case "u32", "u32 (DecodeAll)": return integer(UInt32.self)
    case "i32": return integer(Int32.self)
    case "u64": return integer(UInt64.self)
    case "u128": return integer(UInt128.self)
    case "i128": return integer(Int128.self)
    default: return nil
    }
}

private func compactCodec(named type: String) -> VectorCodec? {
    switch type {
    case "Compact", "Compact<u64>":
        return typed(Compact<UInt64>.self) {
            $0.digits.flatMap { UInt64($0) }.map { Compact($0) }
        }
    case "Compact<u32>":
        return typed(Compact<UInt32>.self) {
            $0.digits.flatMap { UInt32($0) }.map { Compact($0) }
        }
    case "Compact<big>":
        return VectorCodec(
            recode: { input in
                let magnitude = try decoding(input) { (decoder) throws(SCALEError) in
                    try decoder.readCompactLittleEndian()
                }
                return encoding { $0.appendCompact(littleEndian: magnitude) }
            },
            encode: { json in
                json.digits.map { digits in
                    encoding { $0.appendCompact(littleEndian: littleEndian(decimal: digits)) }
                }
            })
    default: return nil
    }
}

/// The little-endian bytes of a decimal number of any size.
private func littleEndian(decimal digits: String) -> [UInt8] {
    var magnitude: [UInt8] = []
    for digit in digits.utf8 {
        var carry = Int(digit - UInt8(ascii: "0"))
        for index in magnitude.indices {
            carry += Int(magnitude[index]) * 10
            magnitude[index] = UInt8(carry & 255)
            carry >>= 8
        }
        if carry > 0 { magnitude.append(UInt8(carry)) }
    }
    return magnitude
}

private func optionCodec(named type: String) -> VectorCodec? {
    func option<Value: SCALECodable & Sendable>(
        _: Value.Type, _ make: @escaping @Sendable (String) -> Value?
    ) -> VectorCodec {
        VectorCodec(
            recode: { input in
                let value = try decoding(input) { (decoder) throws(SCALEError) in
                    try decoder.readOption(Value.self)
                }
                return encoding { $0.appendOption(value) }
            },
            encode: { json in
                guard case .text(let text) = json else { return nil }
                if text == "None" { return encoding { $0.appendOption(Value?.none) } }
                guard text.hasPrefix("Some("),
                    let value = make(String(text.dropFirst(5).dropLast()))
                else { return nil }
                return encoding { $0.appendOption(value) }
            })
    }
    switch type {
    case "Option<u8>": return option(UInt8.self) { UInt8($0) }
    case "Option<Compact<u32>>":
        return option(Compact<UInt32>.self) { UInt32($0).map { Compact($0) } }
    case "Option<bool> (plain Rust Option<bool>)", "Option<bool> (plain)":
        return option(Bool.self) { Bool($0) }
    case "OptionBool (wrapper)":
        return VectorCodec(
            recode: { input in
                let value = try decoding(input) { (decoder) throws(SCALEError) in
                    try decoder.readOptionBool()
                }
                return encoding { $0.appendOptionBool(value) }
            },
            encode: { json in
                switch json {
                case .text("None"): encoding { $0.appendOptionBool(nil) }
                case .text("Some(true)"): encoding { $0.appendOptionBool(true) }
                case .text("Some(false)"): encoding { $0.appendOptionBool(false) }
                default: nil
                }
            })
    case "bool":
        return typed(Bool.self) { if case .bool(let value) = $0 { value } else { nil } }
    default: return nil
    }
}
