import Chain
import Primitives
import SCALE
import Testing

struct ChainStateTests {
    @Test func `the root is the hash of the encoding, whatever was cached`() throws {
        let chain = try TestChain(validatorCount: 5)
        var state = chain.state
        #expect(state.root == BLAKE2b256.hash(state.scaleBytes))
        #expect(chain.genesis.stateRoot == state.root)
        for nonce in 0..<3 {
            for signer in [3, 0, 4] {
                try state.apply([chain.remark([], by: signer, nonce: UInt64(nonce))])
                #expect(state.root == BLAKE2b256.hash(state.scaleBytes))
            }
        }
        let decoded = try SCALEDecoder.decode(ChainState.self, from: state.scaleBytes)
        #expect(decoded == state && decoded.root == state.root && decoded != chain.state)
    }

    @Test func `the encoding begins with constants and sets and ends with the nonces`() throws {
        let chain = try TestChain(validatorCount: 2)
        var state = chain.state
        try state.apply([chain.remark([], by: 1, nonce: 0)])
        var expected = SCALEEncoder()
        expected.append(UInt32(1))
        expected.append("test")
        expected.append(UInt8(0))
        expected.append(UInt64(6_000))
        for number: UInt32 in [500, 3, 2, 30_000] { expected.append(number) }
        expected.append(UInt8(0))
        expected.append(UInt32(0))
        expected.append(UInt8(1))
        expected.append(UInt16(1))
        expected.append(state.activeSet)
        for _ in 0..<4 { expected.append(UInt8(0)) }
        expected.appendCompact(UInt64(1))
        expected.append(chain.validators[1].account)
        expected.append(UInt64(1))
        #expect(state.scaleBytes == expected.bytes)
    }

    @Test func `every constant gives the chain another genesis`() throws {
        func genesis(
            specVersion: UInt32 = 1, chainID: String = "a", forkID: String? = nil,
            slot: UInt64 = 6_000, timings: VotingTimings = .standard,
            policy: QuorumPolicy = .twoThirds, session: UInt32 = 0, excludes: Bool = true,
            validators: [Int] = [1, 2, 3]
        ) throws -> Hash256 {
            let constants = try ChainConstants(
                specVersion: specVersion, chainID: chainID, forkID: forkID,
                slotDurationMilliseconds: slot, votingTimings: timings, policy: policy,
                sessionLength: session, excludesEquivocators: excludes)
            return try ChainState.genesis(
                constants: constants, validators: validators.map { validator($0) }
            ).header.hash
        }
        let otherTimings = try #require(
            VotingTimings(
                baseMilliseconds: 501, growthNumerator: 3, growthDenominator: 2,
                maximumMilliseconds: 30_000))
        let hashes = [
            try genesis(), try genesis(specVersion: 2), try genesis(chainID: "b"),
            try genesis(forkID: "a"), try genesis(slot: 3_000), try genesis(timings: otherTimings),
            try genesis(policy: .moreThanTwoThirds), try genesis(validators: [1, 2]),
            try genesis(validators: [2, 1, 3]), try genesis(session: 1),
            try genesis(excludes: false),
        ]
        #expect(Set(hashes).count == hashes.count)
        #expect(try genesis() == hashes[0])
    }

    @Test func `genesis is block 0 without parent, body or digest`() throws {
        let genesis = try TestChain().genesis
        #expect(genesis.number == BlockNumber(0) && genesis.parentHash == .zero)
        #expect(genesis.digest.isEmpty && genesis.slot == nil && genesis.seal == nil)
        #expect(genesis.extrinsicsRoot == Block.emptyExtrinsicsRoot)
    }

    @Test func `extrinsics are executed in the order of their nonces or not at all`() throws {
        let chain = try TestChain()
        var state = chain.state
        try state.apply([
            chain.remark([], by: 0, nonce: 0), chain.remark([], by: 1, nonce: 0),
            chain.remark([], by: 0, nonce: 1),
        ])
        #expect(state.nonces[chain.validators[0].account] == 2)
        #expect(state.nonces[chain.validators[1].account] == 1)
        #expect(state.nonces[chain.validators[2].account] == 0)
        let before = state
        typealias Failure = ChainState.TransitionError
        #expect(throws: Failure.wrongNonce(position: 1, expected: 3, found: 2)) {
            try state.apply([
                chain.remark([], by: 0, nonce: 2), chain.remark([], by: 0, nonce: 2),
            ])
        }
        #expect(throws: Failure.wrongNonce(position: 0, expected: 1, found: 2)) {
            try state.apply([chain.remark([], by: 1, nonce: 2)])
        }
        let stranger = try TestChain(validatorCount: 4).remark([], by: 3, nonce: 0)
        #expect(throws: Failure.unknownSigner(position: 0, stranger.signer)) {
            try state.apply([stranger])
        }
        #expect(state == before)
    }

    @Test func `the last nonce is never used`() throws {
        let chain = try TestChain()
        var encoder = SCALEEncoder()
        encoder.appendRaw(chain.state.scaleBytes.dropLast())
        encoder.appendCompact(UInt64(1))
        encoder.append(chain.validators[0].account)
        encoder.append(UInt64.max)
        var state = try SCALEDecoder.decode(ChainState.self, from: encoder.bytes)
        let account = chain.validators[0].account
        #expect(throws: ChainState.TransitionError.nonceExhausted(position: 0, account)) {
            try state.apply([chain.remark([], by: 0, nonce: .max)])
        }
    }

    @Test func `a signer more than the chain remembers is refused, and others go on`() throws {
        let chain = try TestChain()
        var encoder = SCALEEncoder()
        encoder.appendRaw(chain.state.scaleBytes.dropLast())
        encoder.appendCompact(UInt64(AccountNonces.maximumCount))
        var accounts = (1..<AccountNonces.maximumCount).compactMap { number in
            AccountID(UInt64(number).scaleBytes + [UInt8](repeating: 0, count: 24))
        }
        accounts.append(chain.validators[1].account)
        for account in accounts.sorted() {
            encoder.append(account)
            encoder.append(UInt64(1))
        }
        var state = try SCALEDecoder.decode(ChainState.self, from: encoder.bytes)
        let account = chain.validators[0].account
        #expect(throws: ChainState.TransitionError.accountsExhausted(position: 0, account)) {
            try state.apply([chain.remark([], by: 0, nonce: 0)])
        }
        try state.apply([chain.remark([], by: 1, nonce: 1)])
        #expect(state.nonces[chain.validators[1].account] == 2)
    }

    @Test func `nonces are read only in their one form`() throws {
        let accounts = (1...3).map { validator($0).account }
        func encoded(_ entries: [(AccountID, UInt64)]) -> [UInt8] {
            var encoder = SCALEEncoder()
            encoder.appendCompact(UInt64(entries.count))
            for (account, count) in entries {
                encoder.append(account)
                encoder.append(count)
            }
            return encoder.bytes
        }
        let good = encoded([(accounts[0], 1), (accounts[1], 2), (accounts[2], 3)])
        let nonces = try SCALEDecoder.decode(AccountNonces.self, from: good)
        #expect(nonces.scaleBytes == good && nonces[accounts[1]] == 2 && nonces.count == 3)
        for count in 0..<good.count {
            #expect(throws: SCALEError.self) {
                try SCALEDecoder.decode(AccountNonces.self, from: Array(good.prefix(count)))
            }
        }
        for bad in [
            encoded([(accounts[1], 1), (accounts[0], 1)]),
            encoded([(accounts[0], 1), (accounts[0], 1)]), encoded([(accounts[0], 0)]),
        ] {
            #expect(throws: SCALEError.self) {
                try SCALEDecoder.decode(AccountNonces.self, from: bad)
            }
        }
    }

    @Test("nonces count like a dictionary", arguments: 1...8)
    func noncesModel(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var nonces = AccountNonces()
        var model: [AccountID: UInt64] = [:]
        for _ in 0..<400 {
            let account = validator(Int.random(in: 1...40, using: &random)).account
            #expect(nonces[account] == model[account, default: 0], "seed \(seed)")
            nonces.increment(account)
            model[account, default: 0] += 1
        }
        #expect(nonces.count == model.count, "seed \(seed)")
        #expect(
            (try? SCALEDecoder.decode(AccountNonces.self, from: nonces.scaleBytes)) == nonces,
            "seed \(seed)")
    }
}
