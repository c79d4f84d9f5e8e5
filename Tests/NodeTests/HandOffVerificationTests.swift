import Chain
import Coherence
import Falcon
import Foundation
import Keystore
import Node
import Primitives
import SCALE
import Testing

/// Certificates of later sets, verified offline from the chain's first set on.
@Suite struct HandOffVerificationTests {
    /// The chain `dev` whose first set is Alice, the next Bob, the one after Alice and Bob.
    private struct Chain {
        let genesis: Header
        let sets: [ValidatorSet]
        let signers: [InProcessSigner]

        init() throws {
            let accounts = try ["//Alice", "//Bob"].map { try DevelopmentAccount(uri: $0) }
            signers = accounts.map { InProcessSigner($0.makeSecretKey()) }
            let members = try zip(accounts, signers).map { account, signer in
                try #require(
                    ValidatorIdentity(
                        account: account.account, falconPublicKey: signer.publicKey.bytes))
            }
            let constants = try ChainConstants(
                specVersion: 1, chainID: "dev", slotDurationMilliseconds: 6_000,
                policy: .twoThirds, sessionLength: 10)
            let first: ChainState
            (first, genesis) = try ChainState.genesis(
                constants: constants, validators: [members[0]])
            sets = [
                first.setInForce,
                try ValidatorSet(id: SetID(1), validators: [members[1]], policy: .twoThirds),
                try ValidatorSet(id: SetID(2), validators: members, policy: .twoThirds),
            ]
        }

        func header(_ number: UInt32, announcing set: ValidatorSet?) -> Header {
            Header(
                parentHash: .zero, number: BlockNumber(number), stateRoot: .zero,
                extrinsicsRoot: .zero,
                digest: HandOff.digest(
                    slot: SlotNumber(UInt64(number)), announcing: set.map { HandOff($0) }))
        }

        /// A certificate of all members of a set.
        func certificate(_ place: Int, for block: Header) async throws -> FinalityCertificate {
            let set = sets[place]
            let domain = VotingDomain(genesisHash: genesis.hash, set: set)
            let state = QuantumState(
                validProofs: 1, rejectedProofs: 0, averageQBER: 50, entropyPoolHash: .zero,
                reporterCount: 1, minimumQBER: 50, maximumQBER: 50)
            let target = VoteTarget(block.ref)
            var entries: [VoteEntry] = []
            for (index, member) in set.validators.enumerated() {
                let message = domain.signedBytes(
                    round: RoundNumber(0), phase: .precommit, validator: member.account,
                    target: target, coherenceScore: 95, quantumState: state)
                let signer = try #require(
                    signers.first { $0.publicKey.bytes == member.falconPublicKey })
                entries.append(
                    VoteEntry(
                        validator: ValidatorIndex(UInt16(index)), coherenceScore: 95,
                        quantumState: state,
                        signature: try #require(
                            VoteSignature(try await signer.sign(message)))))
            }
            return FinalityCertificate(
                setID: set.id, setHash: set.hash, round: RoundNumber(0), target: target,
                policy: set.policy, precommits: entries)
        }

        func proof(
            _ certificate: FinalityCertificate, _ header: Header, _ next: ValidatorSet
        ) -> String {
            """
            {"certificate": "\(certificate.scaleBytes.hex)", "header": "\(header.scaleBytes.hex)", \
            "nextSet": "\(next.scaleBytes.hex)"}
            """
        }
    }

    private func report(
        _ certificate: FinalityCertificate, _ handOffs: [String]
    ) throws -> String {
        try CertificateVerification(
            chain: "dev", text: certificate.scaleBytes.hex, handOffs: handOffs
        ).report()
    }

    @Test func `one certificate per set leads to a later set, and nothing less does`() async throws
    {
        let chain = try Chain()
        let headers = [
            chain.header(10, announcing: chain.sets[1]),
            chain.header(20, announcing: chain.sets[2]), chain.header(23, announcing: nil),
        ]
        let certificates = [
            try await chain.certificate(0, for: headers[0]),
            try await chain.certificate(1, for: headers[1]),
            try await chain.certificate(2, for: headers[2]),
        ]
        let first = chain.proof(certificates[0], headers[0], chain.sets[1])
        let second = chain.proof(certificates[1], headers[1], chain.sets[2])
        #expect(try report(certificates[0], []).contains("VALID: block #10"))
        let valid = try report(certificates[2], ["[\(first)]", "{\"result\": [\(second)]}"])
        #expect(valid.contains("VALID: block #23") && valid.contains("set 2"))
        #expect(try report(certificates[1], ["[\(first), \(second)]"]).contains("#20"))
        // A set is left out, the wrong set is announced, or the block is another one.
        let wrongSet = chain.proof(certificates[0], headers[0], chain.sets[2])
        let wrongBlock = chain.proof(certificates[0], headers[1], chain.sets[2])
        let silent = chain.proof(
            try await chain.certificate(0, for: headers[2]), headers[2], chain.sets[1])
        for proofs in [[], ["[\(first)]"], ["[\(second)]"]] {
            #expect(throws: CertificateVerification.Invalid.self) {
                try report(certificates[2], proofs)
            }
        }
        for bad in [wrongSet, wrongBlock, silent, "{}", "{\"certificate\": 1}"] {
            #expect {
                try report(certificates[1], ["[\(bad)]"])
            } throws: { "\($0)".contains("hand-offs do not lead") }
        }
        for text in ["", "{}", "3", "[3]"] {
            #expect(throws: CertificateVerification.Invalid.self) {
                try report(certificates[1], [text])
            }
        }
    }
}
