internal import SCALE

/// What Substrate clients read before they decode anything: the metadata of the chain, version 14
/// (frame-metadata `RuntimeMetadataV14`, with the type registry of scale-info).
///
/// There is no runtime behind it that could be upgraded or called: it describes the types of
/// headers, digests and extrinsics, and has one pallet, `System`, with the address prefix. See
/// docs/rpc.md.
struct RuntimeMetadata {
    /// The metadata version that is served.
    static let version: UInt32 = 14

    /// A type of the registry, by its place there.
    enum TypeName: UInt32, CaseIterable {
        case u8, u16, u32, u64, bytes4, bytes32, bytes1280, byteVector, h256, accountID, blakeTwo
        case compactU32, digestItem, digestItems, digest, header, kind, extrinsic, runtime
    }

    /// The number that the chain's addresses begin with.
    let addressPrefix: UInt16

    /// The encoding: "meta", the version, the registry, the pallets, the extrinsic, the runtime.
    var bytes: [UInt8] {
        var encoder = MetadataEncoder()
        encoder.scale.appendRaw("meta".utf8)
        encoder.scale.append(UInt8(Self.version))
        encoder.count(TypeName.allCases.count)
        for type in TypeName.allCases {
            encoder.type(type)
            Self.define(type, in: &encoder)
            // No documentation.
            encoder.count(0)
        }
        encoder.count(1)
        systemPallet(&encoder)
        encoder.type(.extrinsic)
        // Our own layout, and none of Substrate's signed extensions.
        encoder.scale.append(UInt8(1))
        encoder.count(0)
        encoder.type(.runtime)
        return encoder.scale.bytes
    }

    private func systemPallet(_ encoder: inout MetadataEncoder) {
        encoder.text("System")
        // No storage, calls and events.
        for _ in 0..<3 { encoder.scale.append(UInt8(0)) }
        encoder.count(1)
        encoder.text("SS58Prefix")
        encoder.type(.u16)
        encoder.scale.appendBytes([
            UInt8(truncatingIfNeeded: addressPrefix), UInt8(addressPrefix >> 8),
        ])
        encoder.count(1)
        encoder.text("The number that the chain's addresses begin with.")
        // No errors; index 0.
        encoder.scale.append(UInt8(0))
        encoder.scale.append(UInt8(0))
    }

    private static func define(_ type: TypeName, in encoder: inout MetadataEncoder) {
        switch type {
        case .u8: encoder.primitive(3)
        case .u16: encoder.primitive(4)
        case .u32: encoder.primitive(5)
        case .u64: encoder.primitive(6)
        case .bytes4: encoder.array(4)
        case .bytes32: encoder.array(32)
        case .bytes1280: encoder.array(1_280)
        case .byteVector: encoder.sequence(of: .u8)
        case .digestItems: encoder.sequence(of: .digestItem)
        case .compactU32:
            encoder.head([], .compact)
            encoder.type(.u32)
        case .h256: encoder.composite(["primitive_types", "H256"], [(nil, .bytes32)])
        case .accountID:
            encoder.composite(["sp_core", "crypto", "AccountId32"], [(nil, .bytes32)])
        case .blakeTwo: encoder.composite(["sp_runtime", "traits", "BlakeTwo256"], [])
        case .runtime: encoder.composite(["quantumharmony", "Runtime"], [])
        case .digest:
            encoder.composite(
                ["sp_runtime", "generic", "digest", "Digest"], [("logs", .digestItems)])
        case .header: header(&encoder)
        case .digestItem: digestItem(&encoder)
        case .kind: kind(&encoder)
        case .extrinsic:
            encoder.composite(
                ["quantumharmony", "Extrinsic"],
                [
                    ("version", .u8), ("kind", .kind), ("signer", .accountID), ("nonce", .u64),
                    ("payload", .byteVector), ("signature", .bytes1280),
                ])
        }
    }

    private static func header(_ encoder: inout MetadataEncoder) {
        encoder.composite(
            ["sp_runtime", "generic", "header", "Header"],
            parameters: [("Number", .u32), ("Hash", .blakeTwo)],
            [
                ("parent_hash", .h256), ("number", .compactU32), ("state_root", .h256),
                ("extrinsics_root", .h256), ("digest", .digest),
            ])
    }

    private static func digestItem(_ encoder: inout MetadataEncoder) {
        let engine: [TypeName] = [.bytes4, .byteVector]
        encoder.variants(
            ["sp_runtime", "generic", "digest", "DigestItem"],
            [
                ("Other", 0, [.byteVector]), ("Consensus", 4, engine), ("Seal", 5, engine),
                ("PreRuntime", 6, engine), ("RuntimeEnvironmentUpdated", 8, []),
            ])
    }

    private static func kind(_ encoder: inout MetadataEncoder) {
        encoder.variants(
            ["quantumharmony", "Kind"],
            [
                ("Remark", 0, []), ("RotateKey", 1, []), ("Evidence", 2, []), ("Nominate", 3, []),
                ("Leave", 4, []),
            ])
    }
}

/// Writes the parts of a type registry.
private struct MetadataEncoder {
    /// The forms of a type definition, by their index.
    enum Form: UInt8 {
        case composite = 0
        case variant = 1
        case sequence = 2
        case array = 3
        case primitive = 5
        case compact = 6
    }

    var scale = SCALEEncoder(capacity: 2_048)

    mutating func count(_ value: Int) { scale.appendCompact(UInt64(value)) }
    mutating func type(_ type: RuntimeMetadata.TypeName) {
        scale.appendCompact(UInt64(type.rawValue))
    }
    mutating func text(_ text: String) { scale.append(text) }

    /// Path, type parameters and form.
    mutating func head(
        _ path: [String], parameters: [(String, RuntimeMetadata.TypeName)] = [], _ form: Form
    ) {
        count(path.count)
        for part in path { text(part) }
        count(parameters.count)
        for (name, type) in parameters {
            text(name)
            scale.append(UInt8(1))
            self.type(type)
        }
        scale.append(form.rawValue)
    }

    mutating func primitive(_ index: UInt8) {
        head([], .primitive)
        scale.append(index)
    }

    mutating func array(_ length: UInt32) {
        head([], .array)
        scale.append(length)
        type(.u8)
    }

    mutating func sequence(of item: RuntimeMetadata.TypeName) {
        head([], .sequence)
        type(item)
    }

    mutating func composite(
        _ path: [String], parameters: [(String, RuntimeMetadata.TypeName)] = [],
        _ fields: [(String?, RuntimeMetadata.TypeName)]
    ) {
        head(path, parameters: parameters, .composite)
        self.fields(fields)
    }

    mutating func variants(
        _ path: [String], _ variants: [(String, UInt8, [RuntimeMetadata.TypeName])]
    ) {
        head(path, .variant)
        count(variants.count)
        for (name, index, types) in variants {
            text(name)
            fields(types.map { (nil, $0) })
            scale.append(index)
            count(0)
        }
    }

    private mutating func fields(_ fields: [(String?, RuntimeMetadata.TypeName)]) {
        count(fields.count)
        for (name, type) in fields {
            scale.append(UInt8(name == nil ? 0 : 1))
            if let name { text(name) }
            self.type(type)
            // Neither a type name nor documentation.
            scale.append(UInt8(0))
            count(0)
        }
    }
}
