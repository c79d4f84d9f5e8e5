internal import Chain
internal import Primitives
internal import SCALE

extension RPCMethods {
    /// `state_*`: what Substrate clients ask before they decode headers and blocks. There is no
    /// runtime to call and no key-value state to read; see docs/rpc.md.
    mutating func addState(_ node: some NodeQueries) {
        let metadata = RuntimeMetadata(addressPrefix: node.description.addressPrefix).bytes
        let version = RuntimeVersion(node.description)
        add("state_getRuntimeVersion", aliases: ["chain_getRuntimeVersion"]) {
            (parameters) throws(RPCError) in
            try await node.requireBlock(parameters, 0)
            return version.json
        }
        add("state_getMetadata") { (parameters) throws(RPCError) in
            try await node.requireBlock(parameters, 0)
            return .hex(metadata)
        }
        add("state_call") { (parameters) throws(RPCError) in
            let name = try parameters.text(0, "name")
            let bytes = try parameters.bytes(1, "data", limit: 1_024)
            try await node.requireBlock(parameters, 2)
            guard let result = Self.call(name, bytes, metadata) else {
                throw .clientError(
                    "Execution failed: Other: Exported method \(name) is not found")
            }
            return .hex(result)
        }
    }

    /// The runtime calls that tell of the metadata.
    private static func call(_ name: String, _ data: [UInt8], _ metadata: [UInt8]) -> [UInt8]? {
        var encoder = SCALEEncoder(capacity: metadata.count + 8)
        switch name {
        case "Metadata_metadata": encoder.appendBytes(metadata)
        case "Metadata_metadata_versions":
            encoder.appendCompact(UInt8(1))
            encoder.append(RuntimeMetadata.version)
        case "Metadata_metadata_at_version":
            // None for every version but the one there is.
            guard data == [UInt8(RuntimeMetadata.version), 0, 0, 0] else { return [0] }
            encoder.append(UInt8(1))
            encoder.appendBytes(metadata)
        default: return nil
        }
        return encoder.bytes
    }
}

/// What is called the runtime's version on Substrate: here, the version of the chain's rules.
struct RuntimeVersion: Sendable {
    /// Raised when headers, extrinsics or the state change for one and the same chain.
    static let specification = 1

    private let implementation: String

    init(_ description: NodeDescription) { implementation = description.implementation }

    var json: JSONValue {
        [
            "specName": "quantumharmony", "implName": .string(implementation),
            "authoringVersion": 1, "specVersion": .integer(Self.specification), "implVersion": 0,
            "apis": [], "transactionVersion": 1, "systemVersion": 0, "stateVersion": 0,
        ]
    }
}

extension NodeQueries {
    /// Refuses a call that names a block which is not known.
    fileprivate func requireBlock(
        _ parameters: RPCParameters, _ index: Int
    ) async throws(RPCError) {
        guard let hash = try parameters.optionalHash(index, "at") else { return }
        guard try await headerJSON(of: hash) != .null else {
            throw .clientError("UnknownBlock: \(hash)")
        }
    }
}
