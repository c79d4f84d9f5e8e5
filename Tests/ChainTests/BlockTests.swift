import Chain
import Primitives
import SCALE
import Testing

struct ExtrinsicTests {
    @Test func `an extrinsic's bytes are laid out as documented`() throws {
        let chain = try TestChain()
        let extrinsic = chain.remark([0xAA, 0xBB], by: 0, nonce: 258)
        var expected: [UInt8] = [1, 0] + chain.validators[0].account.bytes
        expected += [2, 1, 0, 0, 0, 0, 0, 0] + [8, 0xAA, 0xBB] + extrinsic.signature
        // 1,325 bytes follow the compact count: 1,325 * 4 + 1.
        #expect(expected.count == 1_325)
        #expect(extrinsic.scaleBytes == [0xB5, 0x14] + expected)
        #expect(extrinsic.encodedByteCount == 1_327)
        #expect(extrinsic.hash == BLAKE2b256.hash(extrinsic.scaleBytes))
        let decoded = try SCALEDecoder.decode(Extrinsic.self, from: extrinsic.scaleBytes)
        #expect(decoded == extrinsic && decoded.payload == [0xAA, 0xBB] && decoded.nonce == 258)
    }

    @Test func `what is signed is bound to the chain and to every field`() throws {
        let chain = try TestChain()
        let extrinsic = chain.remark([1], by: 0, nonce: 3)
        let signed = extrinsic.signingBytes(genesisHash: chain.genesis.hash)
        let prefix = Array("quantumharmony/extrinsic/1".utf8) + chain.genesis.hash.bytes
        #expect(
            signed == prefix + [1, 0] + chain.validators[0].account.bytes
                + [3, 0, 0, 0, 0, 0, 0, 0] + [4, 1])
        let others = [
            extrinsic.signingBytes(genesisHash: .zero),
            chain.remark([2], by: 0, nonce: 3).signingBytes(genesisHash: chain.genesis.hash),
            chain.remark([1], by: 1, nonce: 3).signingBytes(genesisHash: chain.genesis.hash),
            chain.remark([1], by: 0, nonce: 4).signingBytes(genesisHash: chain.genesis.hash),
        ]
        #expect(Set(others + [signed]).count == 5)
    }

    @Test func `every truncation and every other length prefix is refused`() throws {
        let bytes = try TestChain().remark([1, 2, 3], by: 0, nonce: 0).scaleBytes
        for count in 0..<bytes.count {
            #expect(throws: SCALEError.self) {
                try SCALEDecoder.decode(Extrinsic.self, from: Array(bytes.prefix(count)))
            }
        }
        let inner = Array(bytes.dropFirst(2))
        for (claimed, content) in [
            (inner.count - 1, inner), (inner.count + 1, inner + [0]), (0, []), (6_000, inner),
        ] {
            var encoder = SCALEEncoder()
            encoder.appendCompact(UInt64(claimed))
            encoder.appendRaw(content)
            #expect(throws: SCALEError.self) {
                try SCALEDecoder.decode(Extrinsic.self, from: encoder.bytes)
            }
        }
    }

    @Test("unknown kinds and versions are refused", arguments: 5...255)
    func reserved(value: Int) throws {
        let bytes = try TestChain().remark([], by: 0, nonce: 0).scaleBytes
        var otherKind = bytes
        otherKind[3] = UInt8(value)
        #expect(throws: SCALEError.invalidIndex(offset: 0, index: UInt8(value))) {
            try SCALEDecoder.decode(Extrinsic.self, from: otherKind)
        }
        var otherVersion = bytes
        otherVersion[2] = UInt8(value == 5 ? 0 : value)
        #expect(throws: SCALEError.self) {
            try SCALEDecoder.decode(Extrinsic.self, from: otherVersion)
        }
    }

    @Test func `remarks have at most 4 KiB and signatures their length`() throws {
        let chain = try TestChain()
        let largest = chain.remark([UInt8](repeating: 1, count: 4_096), by: 0, nonce: 0)
        #expect(largest.encodedByteCount <= Extrinsic.maximumByteCount)
        #expect(try SCALEDecoder.decode(Extrinsic.self, from: largest.scaleBytes) == largest)
        let smallest = chain.remark([], by: 0, nonce: 0)
        #expect(smallest.encodedByteCount == Extrinsic.minimumByteCount)
        let account = chain.validators[0].account
        for (payload, signature) in [(4_097, 1_280), (0, 1_279), (0, 1_281)] {
            #expect(
                Extrinsic(
                    kind: .remark, signer: account, nonce: 0,
                    payload: [UInt8](repeating: 0, count: payload),
                    signature: [UInt8](repeating: 0, count: signature)) == nil)
        }
    }
}

struct BlockTests {
    @Test func `a block goes both ways and every truncation is refused`() throws {
        let chain = try TestChain()
        let body = [chain.remark([1], by: 0, nonce: 0), chain.remark([], by: 2, nonce: 0)]
        let (block, _) = try chain.block(on: chain.genesis, state: chain.state, slot: 9, body)
        let bytes = block.scaleBytes
        let decoded = try SCALEDecoder.decode(Block.self, from: bytes)
        #expect(decoded == block && decoded.extrinsics == body)
        #expect(block.encodedByteCount >= bytes.count)
        for count in 0..<bytes.count {
            #expect(throws: SCALEError.self) {
                try SCALEDecoder.decode(Block.self, from: Array(bytes.prefix(count)))
            }
        }
    }

    @Test func `a body of more than 64 KiB is refused`() throws {
        let chain = try TestChain()
        let large = [UInt8](repeating: 1, count: 4_000)
        let extrinsics = (0..<13).map { chain.remark(large, by: 0, nonce: $0) }
        func encoded(_ body: [Extrinsic]) -> [UInt8] {
            Block(header: chain.genesis, extrinsics: body).scaleBytes
        }
        let fits = Array(extrinsics.dropLast())
        #expect(Block.byteCount(of: fits) <= Block.maximumBodyByteCount)
        #expect(try SCALEDecoder.decode(Block.self, from: encoded(fits)).extrinsics == fits)
        #expect(Block.byteCount(of: extrinsics) > Block.maximumBodyByteCount)
        #expect(throws: SCALEError.self) {
            try SCALEDecoder.decode(Block.self, from: encoded(extrinsics))
        }
        let many = [Extrinsic](
            repeating: chain.remark([], by: 0, nonce: 0), count: Block.maximumExtrinsicCount + 1)
        #expect(throws: SCALEError.self) {
            try SCALEDecoder.decode(Block.self, from: encoded(many))
        }
    }
}

struct MerkleTreeTests {
    /// RFC 6962, section 2.1, word by word.
    private func root(_ leaves: ArraySlice<[UInt8]>) -> Hash256 {
        if leaves.isEmpty { return BLAKE2b256.hash([]) }
        if leaves.count == 1 { return BLAKE2b256.hash([0] + leaves[leaves.startIndex]) }
        var split = 1
        while split * 2 < leaves.count { split *= 2 }
        let middle = leaves.startIndex + split
        return BLAKE2b256.hash(
            [1] + root(leaves[..<middle]).bytes + root(leaves[middle...]).bytes)
    }

    @Test func `roots are those of the definition for every count`() {
        for count in 0...70 {
            let leaves = (0..<count).map { [UInt8(truncatingIfNeeded: $0), 1, 2] }
            #expect(MerkleTree.root(of: leaves) == root(leaves[...]), "\(count) leaves")
        }
    }

    @Test func `no leaves hash as the empty string`() {
        #expect(
            Block.emptyExtrinsicsRoot.bytes.hex
                == "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8")
    }

    @Test func `a leaf that looks like a node has another root`() {
        let leaves: [[UInt8]] = [[1], [2]]
        let inner = leaves.flatMap { BLAKE2b256.hash([0] + $0).bytes }
        #expect(MerkleTree.root(of: leaves) != MerkleTree.root(of: [inner]))
        #expect(MerkleTree.root(of: leaves) != MerkleTree.root(of: leaves.reversed()))
        #expect(MerkleTree.root(of: [[1], [2], [3]]) != MerkleTree.root(of: [[1], [2], [3], [3]]))
    }
}
