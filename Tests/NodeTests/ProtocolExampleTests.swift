import Chain
import Coherence
import Falcon
import Foundation
import Node
import Primitives
import SCALE
import Testing

/// The chain `local` with two blocks and a certificate, all with real signatures: what
/// docs/protocol.md calls a certificate for other implementations.
private struct FalconChain {
    static let names = ["Alice", "Bob", "Charlie"]

    /// A specification as build-spec writes it.
    struct Specification: Decodable {
        struct Validator: Decodable { let falconPublicKey: String }
        let id: String
        let slotDurationMilliseconds: UInt64
        let supermajority: String
        let validators: [Validator]
    }

    let set: ValidatorSet
    let genesis: Header
    private let state: ChainState

    /// Makes the genesis of a built-in chain from its specification; accounts by their names.
    init(_ chain: String) throws {
        let text = try SpecificationBuilder(chain: chain).json()
        let specification = try JSONDecoder().decode(Specification.self, from: Data(text.utf8))
        let accounts = [
            "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d",
            "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48",
            "90b5ab205c6974c9ea841be688864633dc9ca8a357843eeacf2314649965fe22",
        ]
        let validators = try zip(accounts, specification.validators).map { account, validator in
            let account = try #require([UInt8](hex: account).flatMap { AccountID($0) })
            let key = try #require([UInt8](hex: validator.falconPublicKey))
            return try #require(ValidatorIdentity(account: account, falconPublicKey: key))
        }
        let constants = try ChainConstants(
            specVersion: 1, chainID: specification.id,
            slotDurationMilliseconds: specification.slotDurationMilliseconds,
            policy: try #require(QuorumPolicy(name: specification.supermajority)))
        (state, genesis) = try ChainState.genesis(constants: constants, validators: validators)
        set = state.activeSet
    }

    /// Signs with a development key. The randomness is made from the message, so that the bytes are
    /// always the same: never do this with a key that matters.
    private func sign(_ message: [UInt8], by index: Int) -> [UInt8] {
        let key = FalconSecretKey(developmentURI: "//\(Self.names[index])")
        var count: UInt64 = 0
        return key.sign(message: message) { buffer in
            for position in buffer.indices {
                let block = BLAKE2b256.hash(message + count.scaleBytes)
                buffer[position] = block.bytes[0]
                count += 1
            }
        }
    }

    private func headers() throws -> [Header] {
        var headers = [genesis]
        for slot in 1...2 as ClosedRange<UInt64> {
            let builder = try BlockBuilder(
                parent: headers[headers.count - 1], parentState: state, slot: SlotNumber(slot),
                extrinsics: [])
            let seal = sign(builder.message, by: Int(builder.author.rawValue))
            headers.append(builder.seal(seal).header)
        }
        return Array(headers.dropFirst())
    }

    /// The input of Tests/InteropTests/verify_certificate.py.
    func request() throws -> [String: Any] {
        let headers = try headers()
        let block = headers[1]
        let domain = VotingDomain(genesisHash: genesis.hash, set: set)
        let target = try #require(VoteTarget(hash: block.hash, number: block.number))
        let entries = try [0, 2].map { index in
            let state = QuantumState(
                validProofs: 95, rejectedProofs: 1, averageQBER: 50 + UInt32(index),
                entropyPoolHash: BLAKE2b256.hash([UInt8(index)]), reporterCount: 4,
                minimumQBER: 40, maximumQBER: 60)
            let message = domain.signedBytes(
                round: RoundNumber(1), phase: .precommit,
                validator: set.validators[index].account, target: target,
                coherenceScore: 95, quantumState: state)
            return VoteEntry(
                validator: ValidatorIndex(UInt16(index)), coherenceScore: 95,
                quantumState: state,
                signature: try #require(VoteSignature(sign(message, by: index))))
        }
        let certificate = FinalityCertificate(
            setID: set.id, setHash: set.hash, round: RoundNumber(1), target: target,
            policy: set.policy, precommits: entries)
        return [
            "genesisHash": genesis.hash.description,
            "number": 1,
            "proof": [
                "blockHash": block.hash.description, "blockNumber": 2, "setId": 0, "round": 1,
                "certificate": "0x" + certificate.scaleBytes.hex,
                "headers": headers.map { "0x" + $0.scaleBytes.hex },
            ],
            "validators": [
                "setId": 0, "setHash": set.hash.description, "supermajority": set.policy.name,
                "totalWeight": set.count, "thresholdWeight": set.quorum,
                "validators": set.validators.enumerated().map { index, validator in
                    [
                        "index": index, "accountId": validator.account.description,
                        "falconPublicKey": "0x" + validator.falconPublicKey.hex,
                    ] as [String: Any]
                },
            ] as [String: Any],
        ]
    }
}

@Suite("The built-in chains in docs/protocol.md")
struct ProtocolExampleTests {
    private func vector(_ name: String) throws -> Data {
        try Data(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "../../Vectors/protocol/\(name)").standardized)
    }

    @Test("genesis and set hashes are those of the page", arguments: ["dev", "local"])
    func genesis(name: String) throws {
        struct Hashes: Decodable {
            let genesisHash: String
            let setHash: String
        }
        let listed = try JSONDecoder().decode(
            [String: Hashes].self, from: try vector("genesis.json"))
        let chain = try FalconChain(name)
        #expect(listed[name]?.genesisHash == chain.genesis.hash.bytes.hex)
        #expect(listed[name]?.setHash == chain.set.hash.bytes.hex)
    }

    @Test("the certificate for other implementations is what the code makes, and valid")
    func certificate() throws {
        let made = try JSONSerialization.data(
            withJSONObject: try FalconChain("local").request(),
            options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        try made.write(to: URL(filePath: "/tmp/qh/docs-out/certificate-falcon.json"))  // TEMP
        #expect(made == (try vector("certificate-falcon.json")))
        let request = try #require(
            try JSONSerialization.jsonObject(with: made) as? [String: Any])
        let proof = try JSONSerialization.data(withJSONObject: try #require(request["proof"]))
        let report = try CertificateVerification(
            chain: "local", text: String(decoding: proof, as: UTF8.self)
        ).report()
        #expect(report.contains("2 of 3 validators voted"))
        #expect(report.contains("blocks #1 to #2 are final"))
    }
}
