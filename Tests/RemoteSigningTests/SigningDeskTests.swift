import Chain
import Coherence
import Falcon
import Foundation
import Keystore
import Primitives
import RemoteSigning
import SCALE
import Storage
import Testing

/// What a signing process signs, and what it does not.
@Suite struct SigningDeskTests {
    private let folder: Folder
    private let keystore: SessionKeystore
    private let signer: InProcessSigner
    private let domain: VotingDomain
    private let account: AccountID

    /// A folder of one test's own.
    private final class Folder: Sendable {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "signer-\(UUID().uuidString)").path
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    init() throws {
        folder = Folder()
        keystore = try SessionKeystore(directory: "\(folder.path)/keys")
        try keystore.insert(FalconSecretKey(developmentURI: "//Alice"))
        signer = InProcessSigner(FalconSecretKey(developmentURI: "//Alice"))
        account = try DevelopmentAccount(uri: "//Alice").account
        let identity = try #require(
            ValidatorIdentity(account: account, falconPublicKey: signer.publicKey.bytes))
        domain = VotingDomain(
            genesisHash: BLAKE2b256.hash([1]),
            set: try ValidatorSet(id: SetID(0), validators: [identity], policy: .twoThirds))
    }

    private func desk(begins: Bool = true) throws -> SigningDesk {
        try SigningDesk(
            keystore, log: SignerLog(directory: "\(folder.path)/log", begins: begins))
    }

    private func vote(
        _ number: UInt32, round: UInt64, _ phase: VotePhase, genesis: UInt8 = 1
    ) throws -> SigningRequest {
        let target = try #require(
            VoteTarget(hash: BLAKE2b256.hash([UInt8(number)]), number: BlockNumber(number)))
        let domain = VotingDomain(genesisHash: BLAKE2b256.hash([genesis]), set: domain.set)
        return .vote(
            domain.signedBytes(
                round: RoundNumber(round), phase: phase, validator: account, target: target,
                coherenceScore: 100, quantumState: .zero))
    }

    private func header(slot: UInt64, _ content: UInt8 = 0) -> Header {
        Header(
            parentHash: BLAKE2b256.hash([content]), number: BlockNumber(7), stateRoot: .zero,
            extrinsicsRoot: .zero, digest: [.preRuntime(.aura, SlotNumber(slot).scaleBytes)])
    }

    private func ask(_ desk: SigningDesk, _ request: SigningRequest) -> SignerAnswer {
        desk.answer(.sign(request, key: SessionKeystore.name(of: signer.publicKey)))
    }

    private func signature(_ answer: SignerAnswer) throws -> [UInt8] {
        guard case .signature(let bytes) = answer else {
            Issue.record("\(answer)")
            return []
        }
        return bytes
    }

    private func isRefused(_ answer: SignerAnswer, _ text: String) -> Bool {
        guard case .refused(let reason) = answer else { return false }
        return reason.contains(text)
    }

    private func isValid(_ signature: [UInt8], _ message: [UInt8]) -> Bool {
        FalconVerifyingKey(signer.publicKey).verify(message: message, paddedSignature: signature)
    }

    @Test func `the same vote gets the same signature, also after a restart`() throws {
        let request = try vote(3, round: 5, .prevote)
        var desk = try desk()
        let first = try signature(ask(desk, request))
        #expect(isValid(first, request.bytes))
        #expect(try signature(ask(desk, request)) == first)
        try desk.close()
        desk = try self.desk(begins: false)
        #expect(try signature(ask(desk, request)) == first)
        try desk.close()
    }

    @Test func `another vote in a slot, and one below, is refused with what was signed`() throws {
        var desk = try desk()
        _ = try signature(ask(desk, vote(3, round: 5, .prevote)))
        _ = try signature(ask(desk, vote(3, round: 5, .precommit)))
        for _ in 0..<2 {
            #expect(try isRefused(ask(desk, vote(4, round: 5, .prevote)), "for #3"))
            #expect(try isRefused(ask(desk, vote(4, round: 5, .precommit)), "signed was"))
            #expect(try isRefused(ask(desk, vote(3, round: 4, .precommit)), "below"))
            try desk.close()
            desk = try self.desk(begins: false)
        }
        // A slot that was left out stays empty.
        _ = try signature(ask(desk, vote(4, round: 9, .precommit)))
        #expect(try isRefused(ask(desk, vote(4, round: 9, .prevote)), "below"))
        // Another chain has its own slots.
        _ = try signature(ask(desk, vote(9, round: 5, .prevote, genesis: 2)))
        try desk.close()
    }

    @Test func `a seal is given once a slot`() throws {
        let desk = try desk()
        let first = try signature(ask(desk, .seal(header(slot: 5).scaleBytes)))
        #expect(isValid(first, header(slot: 5).hash.bytes))
        #expect(try signature(ask(desk, .seal(header(slot: 5).scaleBytes))) == first)
        #expect(isRefused(ask(desk, .seal(header(slot: 5, 1).scaleBytes)), "slot 5"))
        #expect(isRefused(ask(desk, .seal(header(slot: 4).scaleBytes)), "below"))
        _ = try signature(ask(desk, .seal(header(slot: 6).scaleBytes)))
        try desk.close()
    }

    @Test func `extrinsics and the proof of the own key are signed, nothing else is`() throws {
        let desk = try desk()
        let call = Extrinsic.Call.leave
        let extrinsic = Extrinsic.signingBytes(
            call: call, signer: account, nonce: 3, genesisHash: domain.genesisHash)
        let proof = Extrinsic.keyProofBytes(
            genesisHash: domain.genesisHash, account: account, newKey: signer.publicKey.bytes)
        #expect(try isValid(signature(ask(desk, .extrinsic(extrinsic))), extrinsic))
        #expect(try isValid(signature(ask(desk, .keyProof(proof))), proof))
        let foreign = Extrinsic.keyProofBytes(
            genesisHash: domain.genesisHash, account: account,
            newKey: FalconSecretKey(developmentURI: "//Bob").publicKey.bytes)
        #expect(isRefused(ask(desk, .keyProof(foreign)), "another key"))
        let whole = try vote(3, round: 5, .prevote).bytes
        for kind in SigningRequest.Kind.allCases {
            for bytes in [[], whole, extrinsic, proof, header(slot: 1).scaleBytes] {
                guard kind != .vote || bytes != whole, kind != .extrinsic || bytes != extrinsic,
                    kind != .keyProof || bytes != proof,
                    kind != .seal || bytes != header(slot: 1).scaleBytes
                else { continue }
                #expect(isRefused(ask(desk, SigningRequest(kind, bytes)), "this is no"))
            }
        }
        // Every cut, and one byte more.
        for count in 0..<whole.count {
            #expect(isRefused(ask(desk, .vote(Array(whole.prefix(count)))), "this is no vote"))
        }
        #expect(isRefused(ask(desk, .vote(whole + [0])), "this is no vote"))
        let unknown = desk.answer(.sign(.vote(whole), key: .zero))
        #expect(isRefused(unknown, "there is no key"))
        try desk.close()
    }

    @Test func `a key that was made is kept, told of and signs; at most 64 there are`() throws {
        var desk = try desk()
        func make() throws -> FalconPublicKey? {
            guard case .keys(let keys) = desk.answer(.makeKey) else { return nil }
            #expect(keys.count == 1)
            return try FalconPublicKey(bytes: #require(keys.first))
        }
        let made = try #require(try make())
        #expect(made.bytes != signer.publicKey.bytes)
        let proof = Extrinsic.keyProofBytes(
            genesisHash: domain.genesisHash, account: account, newKey: made.bytes)
        for begins in [false, true] {
            // The second time in another life.
            if begins {
                try desk.close()
                desk = try self.desk(begins: false)
            }
            let name = SessionKeystore.name(of: made)
            let bytes = try signature(desk.answer(.sign(.keyProof(proof), key: name)))
            #expect(FalconVerifyingKey(made).verify(message: proof, paddedSignature: bytes))
            guard case .keys(let keys) = desk.answer(.keys) else {
                Issue.record("the desk tells of its keys")
                return
            }
            #expect(Set(keys) == [signer.publicKey.bytes, made.bytes])
        }
        while desk.keyNames.count < SigningDesk.keyLimit { #expect(try make() != nil) }
        #expect(isRefused(desk.answer(.makeKey), "there are 64 keys"))
        #expect(try keystore.names().count == SigningDesk.keyLimit)
        try desk.close()
    }

    @Test func `without keys there is no desk`() throws {
        let empty = try SessionKeystore(directory: "\(folder.path)/none")
        let log = try SignerLog(directory: "\(folder.path)/log", begins: true)
        #expect(throws: KeystoreError.missing(path: empty.directory)) {
            try SigningDesk(empty, log: log)
        }
    }

    @Test func `a log is begun once, and its loss is noticed`() throws {
        #expect(throws: StorageError.self) { try desk(begins: false) }
        try desk().close()
        #expect(throws: StorageError.self) { try desk(begins: true) }
        let first = try desk(begins: false)
        #expect(throws: StorageError.self) { try desk(begins: false) }
        try first.close()
        try FileManager.default.removeItem(atPath: "\(folder.path)/log/signed.sqlite")
        #expect(throws: StorageError.self) { try desk(begins: false) }
    }

    @Test func `old slots leave the log, the rule stays`() throws {
        let log = try SignerLog(directory: folder.path, begins: true)
        let key = BLAKE2b256.hash([9])
        for number in UInt64(0)..<1_100 {
            let slot = SignerLog.Slot(key: key, genesisHash: .zero, kind: 2, major: number)
            try log.record(slot, content: .zero, description: "\(number)", signature: [1])
        }
        let first = SignerLog.Slot(key: key, genesisHash: .zero, kind: 2, major: 0)
        #expect(try log.verdict(on: first, content: .zero) == .passed(by: "1099"))
        let kept = SignerLog.Slot(key: key, genesisHash: .zero, kind: 2, major: 1_000)
        #expect(try log.verdict(on: kept, content: .zero) == .signed([1]))
        #expect(throws: StorageError.self) {
            try log.record(first, content: .zero, description: "", signature: [2])
        }
        try log.close()
    }

    @Test func `messages are read back, and no cut is read`() throws {
        let signature = [UInt8](repeating: 7, count: 1_280)
        let queries: [SignerQuery] = [
            .keys, .makeKey, .sign(try vote(1, round: 1, .prevote), key: BLAKE2b256.hash([1])),
            .sign(.seal([]), key: .zero),
        ]
        for query in queries {
            let bytes = query.scaleBytes
            #expect(try SCALEDecoder.decode(SignerQuery.self, from: bytes) == query)
            for count in 0..<bytes.count {
                #expect(throws: SCALEError.self) {
                    try SCALEDecoder.decode(SignerQuery.self, from: Array(bytes.prefix(count)))
                }
            }
        }
        let answers: [SignerAnswer] = [
            .keys([]), .keys([signer.publicKey.bytes]), .signature(signature), .refused("why"),
        ]
        for answer in answers {
            let bytes = answer.scaleBytes
            #expect(try SCALEDecoder.decode(SignerAnswer.self, from: bytes) == answer)
            for count in 0..<bytes.count {
                #expect(throws: SCALEError.self) {
                    try SCALEDecoder.decode(SignerAnswer.self, from: Array(bytes.prefix(count)))
                }
            }
        }
        for wrong: [UInt8] in [[2], [1, 5], [3, 0], [1, 4, 1], [0, 4, 1], [2, 4, 0xFF]] {
            #expect(throws: SCALEError.self) {
                try SCALEDecoder.decode(SignerAnswer.self, from: wrong)
            }
        }
    }
}
