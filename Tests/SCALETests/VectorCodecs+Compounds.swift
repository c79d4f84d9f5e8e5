import SCALE

/// A type without an encoding: only sequences of it have one, their count.
struct Empty: SCALECodable, Sendable {
    init() {}
    init(from decoder: inout SCALEDecoder) throws(SCALEError) {}
    func encode(to encoder: inout SCALEEncoder) {}
}

/// A byte vector as an item of a sequence.
struct ByteVector: SCALECodable, Sendable {
    let bytes: [UInt8]
    init(_ bytes: [UInt8]) { self.bytes = bytes }
    init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        bytes = try decoder.readBytes(limit: 16)
    }
    func encode(to encoder: inout SCALEEncoder) { encoder.appendBytes(bytes) }
}

/// A map's entry.
struct Entry: SCALECodable, Sendable {
    let key: UInt8
    let value: UInt16
    init(key: UInt8, value: UInt16) {
        self.key = key
        self.value = value
    }
    init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        key = try decoder.read()
        value = try decoder.read()
    }
    func encode(to encoder: inout SCALEEncoder) {
        encoder.append(key)
        encoder.append(value)
    }
}

private func sequence<Item: SCALECodable & Sendable>(
    of _: Item.Type, limit: Int = 16, minimumItemByteCount: Int = 1,
    _ make: @escaping @Sendable (JSONValue) -> [Item]?
) -> VectorCodec {
    VectorCodec(
        recode: { input in
            let items = try decoding(input) { (decoder) throws(SCALEError) in
                try decoder.readItems(
                    Item.self, limit: limit, minimumItemByteCount: minimumItemByteCount)
            }
            return encoding { $0.appendItems(items) }
        },
        encode: { json in make(json).map { items in encoding { $0.appendItems(items) } } })
}

private func raw(
    _ recode: @escaping @Sendable ([UInt8]) throws -> [UInt8],
    _ encode: @escaping @Sendable (JSONValue) -> [UInt8]?
) -> VectorCodec {
    VectorCodec(recode: recode, encode: encode)
}

func sequenceCodec(named type: String) -> VectorCodec? {
    switch type {
    case "Vec<u16>":
        return sequence(of: UInt16.self) { $0.integers?.map { UInt16($0) } }
    case "BTreeSet<u8>":
        return sequence(of: UInt8.self) { $0.integers?.map { UInt8($0) } }
    case "BoundedVec<u8,4>":
        return sequence(of: UInt8.self, limit: 4) { $0.integers?.map { UInt8($0) } }
    case "Vec<()> x3":
        return sequence(of: Empty.self, minimumItemByteCount: 0) { _ in
            [Empty(), Empty(), Empty()]
        }
    case "Vec<Vec<u8>>":
        return sequence(of: ByteVector.self) { json in
            guard case .list(let items) = json else { return nil }
            return items.map { ByteVector(($0.integers ?? []).map { UInt8($0) }) }
        }
    case "BTreeMap<u8,u16>":
        return sequence(of: Entry.self, minimumItemByteCount: 3) { json in
            guard case .object(let entries) = json else { return nil }
            return entries.keys.sorted().compactMap { key in
                guard let number = UInt8(key), case .integer(let value)? = entries[key] else {
                    return nil
                }
                return Entry(key: number, value: UInt16(value))
            }
        }
    case "Vec<u8>":
        return raw(
            { input in
                let value = try decoding(input) { (decoder) throws(SCALEError) in
                    try decoder.readBytes(limit: 16)
                }
                return encoding { $0.appendBytes(value) }
            },
            { json in
                guard case .text(let text) = json else { return nil }
                return encoding { $0.appendBytes(bytes(String(text.dropFirst(2)))) }
            })
    case "String":
        return raw(
            { input in
                let value = try decoding(input) { (decoder) throws(SCALEError) in
                    try decoder.readString(limit: 64)
                }
                return encoding { $0.append(value) }
            },
            { json in
                guard case .text(let text) = json else { return nil }
                return encoding { $0.append(text) }
            })
    default: return nil
    }
}

func compoundCodec(named type: String) -> VectorCodec? {
    switch type {
    case "[u8;4]", "H256":
        let count = type == "H256" ? 32 : 4
        return raw(
            { input in
                try decoding(input) { (decoder) throws(SCALEError) in try decoder.readRaw(count) }
            },
            { json in
                if case .text(let text) = json { return bytes(String(text.dropFirst(2))) }
                return json.integers.map { items in
                    encoding { $0.appendRaw(items.map { UInt8($0) }) }
                }
            })
    case "[u16;2]": return fields([2, 2])
    case "struct{a:u8,b:u32}": return fields([1, 4])
    case "Duration": return fields([8, 4], names: ["secs", "nanos"])
    case "(Compact<u32>, bool)":
        return raw(
            { input in
                let (number, flag) = try decoding(input) { (decoder) throws(SCALEError) in
                    (try decoder.readCompact(UInt32.self), try decoder.readBool())
                }
                return encoding {
                    $0.appendCompact(number)
                    $0.append(flag)
                }
            },
            { json in
                guard case .list(let items) = json, items.count == 2,
                    case .integer(let number) = items[0], case .bool(let flag) = items[1]
                else { return nil }
                return encoding {
                    $0.appendCompact(UInt32(number))
                    $0.append(flag)
                }
            })
    case "Result<u8,bool>", "enum{Int(u8)=0,Bool(bool)=1}": return variants(payload: true)
    case "enum{A=0,B=1}": return variants(payload: false)
    default: return nil
    }
}

/// Fixed-width fields in order.
private func fields(_ widths: [Int], names: [String] = []) -> VectorCodec {
    raw(
        { input in
            try decoding(input) { (decoder) throws(SCALEError) in
                var encoder = SCALEEncoder()
                for width in widths {
                    switch width {
                    case 1: encoder.append(try decoder.readByte())
                    case 2: encoder.append(try decoder.readInteger(UInt16.self))
                    case 4: encoder.append(try decoder.readInteger(UInt32.self))
                    default: encoder.append(try decoder.readInteger(UInt64.self))
                    }
                }
                return encoder.bytes
            }
        },
        { json in
            var numbers = json.integers ?? []
            if case .object(let members) = json {
                numbers = names.compactMap {
                    if case .integer(let value)? = members[$0] { value } else { nil }
                }
            }
            guard numbers.count == widths.count else { return nil }
            return zip(widths, numbers).flatMap { width, number in
                (0..<width).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
            }
        })
}

/// An enumeration of two cases: a u8 and a bool, or nothing.
private func variants(payload: Bool) -> VectorCodec {
    raw(
        { input in
            try decoding(input) { (decoder) throws(SCALEError) in
                let index = try decoder.readByte()
                guard index <= 1 else { throw .invalidIndex(offset: 0, index: index) }
                guard payload else { return [index] }
                return index == 0
                    ? [0, try decoder.readByte()] : [1] + (try decoder.readBool()).scaleBytes
            }
        },
        { json in
            guard case .text(let text) = json, let open = text.firstIndex(of: "(") else {
                return nil
            }
            let operand = text[text.index(after: open)...].dropLast()
            if let number = UInt8(operand) { return [0, number] }
            return Bool(String(operand)).map { [1] + $0.scaleBytes }
        })
}
