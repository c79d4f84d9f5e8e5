internal import Chain
internal import Coherence
internal import Primitives
internal import SCALE

extension RPCMethods {
    /// The most block numbers that one call of `chain_getBlockHash` takes.
    private static let maximumBlockNumberCount = 1_000

    /// `chain_*`: headers, blocks and heads, in Substrate's shapes.
    mutating func addChain(_ node: some NodeQueries) {
        add("chain_getHeader") { (parameters) throws(RPCError) in
            let hash = try await node.hashOrBest(parameters)
            return .optional(
                try await answering { () throws(NodeQueryFailure) in
                    try await node.header(of: hash)
                }?.json)
        }
        add("chain_getBlock") { (parameters) throws(RPCError) in
            let hash = try await node.hashOrBest(parameters)
            return .optional(
                try await answering { () throws(NodeQueryFailure) in
                    try await node.block(of: hash)
                }?.json)
        }
        add("chain_getBlockHash", aliases: ["chain_getHead"]) { (parameters) throws(RPCError) in
            switch parameters.optional(0, "hash") {
            case nil:
                return .string(await node.bestBlock().hash.description)
            case .array(let numbers)?:
                guard numbers.count <= Self.maximumBlockNumberCount else {
                    throw .invalidParameters(
                        "\(numbers.count) block numbers, the limit is "
                            + "\(Self.maximumBlockNumberCount)")
                }
                var hashes: [JSONValue] = []
                for number in numbers { hashes.append(try await node.hash(at: number)) }
                return .array(hashes)
            case let number?:
                return try await node.hash(at: number)
            }
        }
        add("chain_getFinalizedHead", aliases: ["chain_getFinalisedHead"]) {
            (_) throws(RPCError) in
            .string(await node.finalisedBlock().hash.description)
        }
    }

    /// `author_*`: the transaction pool.
    mutating func addAuthor(_ node: some NodeQueries) {
        add("author_submitExtrinsic") { (parameters) throws(RPCError) in
            let bytes = try parameters.bytes(
                0, "extrinsic", limit: Extrinsic.maximumByteCount)
            let extrinsic: Extrinsic
            do throws(SCALEError) {
                extrinsic = try SCALEDecoder.decode(from: bytes)
            } catch {
                throw RPCError(
                    code: 1001, message: "Extrinsic has invalid format",
                    data: .string("\(error)"))
            }
            do throws(ExtrinsicRefusal) {
                try await node.submit(extrinsic)
            } catch {
                throw error.rpcError
            }
            return .string(extrinsic.hash.description)
        }
        add("author_pendingExtrinsics") { (_) throws(RPCError) in
            .array(await node.pendingExtrinsics().map { .hex($0.scaleBytes) })
        }
    }
}

/// Turns a node's failure into an internal error.
func answering<Value>(
    _ query: () async throws(NodeQueryFailure) -> Value
) async throws(RPCError) -> Value {
    do throws(NodeQueryFailure) {
        return try await query()
    } catch {
        throw .internalError(error.reason)
    }
}

extension NodeQueries {
    /// The block that a call names, or the best one.
    fileprivate func hashOrBest(_ parameters: RPCParameters) async throws(RPCError) -> Hash256 {
        if let hash = try parameters.optionalHash(0, "hash") { return hash }
        return await bestBlock().hash
    }

    fileprivate func hash(at value: JSONValue) async throws(RPCError) -> JSONValue {
        let number = try RPCParameters.blockNumber(value, "hash")
        return .optional(
            try await answering { () throws(NodeQueryFailure) in
                try await canonicalHash(at: number)
            }.map { .string($0.description) })
    }
}

extension ExtrinsicRefusal {
    /// The error as Substrate nodes number it.
    var rpcError: RPCError {
        switch self {
        case .invalid(let reason):
            RPCError(code: 1010, message: "Invalid Transaction", data: .string(reason))
        case .alreadyKnown: RPCError(code: 1013, message: "Transaction Already Imported")
        case .slotTaken:
            RPCError(
                code: 1014, message: "Priority is too low",
                data: "another extrinsic of this account and nonce waits")
        case .poolFull: RPCError(code: 1016, message: "Immediately Dropped")
        }
    }
}

extension Header {
    /// The header as Substrate nodes write it: the number in hexadecimal, digest items encoded.
    package var json: JSONValue {
        [
            "parentHash": .string(parentHash.description),
            "number": .hexNumber(number.rawValue),
            "stateRoot": .string(stateRoot.description),
            "extrinsicsRoot": .string(extrinsicsRoot.description),
            "digest": ["logs": .array(digest.map { .hex($0.scaleBytes) })],
        ]
    }
}

extension BlockReport {
    /// The block as Substrate nodes write it; a justification is its engine and its bytes.
    package var json: JSONValue {
        let justifications = certificate.map { certificate in
            JSONValue.array([
                [.numbers(EngineID.coherence.bytes), .numbers(certificate.scaleBytes)]
            ])
        }
        return [
            "block": [
                "header": block.header.json,
                "extrinsics": .array(block.extrinsics.map { .hex($0.scaleBytes) }),
            ],
            "justifications": .optional(justifications),
        ]
    }
}

extension JSONValue {
    /// Bytes as an array of numbers.
    fileprivate static func numbers(_ bytes: [UInt8]) -> JSONValue {
        .array(bytes.map { .integer($0) })
    }
}
