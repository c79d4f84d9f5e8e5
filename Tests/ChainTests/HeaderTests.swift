import Chain
import Primitives
import SCALE
import Testing

struct HeaderTests {
    @Test func `six headers of public chains are at hand`() throws {
        #expect(try HeaderVectors.load().count == 6)
    }

    @Test(
        "a public chain's header is read, written and hashed as published",
        arguments: try HeaderVectors.load())
    func vector(_ vector: HeaderVectors.Vector) throws {
        let bytes = try #require(vector.bytes)
        let header = try SCALEDecoder.decode(Header.self, from: bytes)
        #expect(header.number == BlockNumber(vector.number))
        #expect(header.hash == Hash256(hex: vector.hash))
        #expect(header.scaleBytes == bytes)
        #expect(header.encodedByteCount == bytes.count)
        #expect(header.ref == BlockRef(hash: header.hash, number: header.number))
        if let preSealHash = vector.pre_seal_hash {
            #expect(header.preSealHash == Hash256(hex: preSealHash))
            let unsealed = Header(
                parentHash: header.parentHash, number: header.number, stateRoot: header.stateRoot,
                extrinsicsRoot: header.extrinsicsRoot, digest: header.digest.dropLast())
            #expect(unsealed.scaleBytes.hex == vector.pre_seal_scale)
            #expect(unsealed.preSealHash == header.preSealHash)
        }
        if let items = vector.digest_items {
            #expect(header.digest.map { "0x" + $0.scaleBytes.hex } == items.map(\.raw))
            for (item, expected) in zip(header.digest, items) {
                let raw = try #require([UInt8](hex: expected.raw))
                #expect(try SCALEDecoder.decode(DigestItem.self, from: raw) == item)
            }
        }
        if let json = vector.json {
            #expect(header.parentHash.description == json.parentHash)
            #expect(header.stateRoot.description == json.stateRoot)
            #expect(header.extrinsicsRoot.description == json.extrinsicsRoot)
            #expect("0x" + String(header.number.rawValue, radix: 16) == json.number)
            #expect(header.digest.map { "0x" + $0.scaleBytes.hex } == json.digest.logs)
        }
    }

    @Test("every truncation of a header is refused", arguments: try HeaderVectors.load())
    func truncations(_ vector: HeaderVectors.Vector) throws {
        let bytes = try #require(vector.bytes)
        for count in 0..<bytes.count {
            #expect(throws: SCALEError.self) {
                try SCALEDecoder.decode(Header.self, from: Array(bytes.prefix(count)))
            }
        }
        #expect(throws: SCALEError.trailingBytes(count: 1)) {
            try SCALEDecoder.decode(Header.self, from: bytes + [0])
        }
    }

    @Test(
        "withdrawn and unknown digest items are refused", arguments: [1, 2, 3, 7] + Array(9...255))
    func withdrawnItem(index: Int) {
        #expect(throws: SCALEError.invalidIndex(offset: 0, index: UInt8(index))) {
            try SCALEDecoder.decode(
                DigestItem.self, from: [UInt8(index)] + [UInt8](repeating: 0, count: 40))
        }
    }

    @Test func `digest items of every kind go both ways`() throws {
        let engine = try #require(EngineID([1, 2, 3, 4]))
        let items: [(DigestItem, [UInt8])] = [
            (.other([7]), [0, 4, 7]), (.consensus(engine, []), [4, 1, 2, 3, 4, 0]),
            (.seal(.falcon, [5]), [5, 0x46, 0x41, 0x4C, 0x43, 4, 5]),
            (.preRuntime(.aura, [6]), [6, 0x61, 0x75, 0x72, 0x61, 4, 6]),
            (.consensus(.coherence, [1, 2]), [4, 0x43, 0x4F, 0x48, 0x52, 8, 1, 2]),
            (.runtimeEnvironmentUpdated, [8]),
        ]
        for (item, bytes) in items {
            #expect(item.scaleBytes == bytes)
            #expect(try SCALEDecoder.decode(DigestItem.self, from: bytes) == item)
            for count in 0..<bytes.count {
                #expect(throws: SCALEError.self) {
                    try SCALEDecoder.decode(DigestItem.self, from: Array(bytes.prefix(count)))
                }
            }
        }
        #expect("\(EngineID.aura) \(EngineID.falcon) \(EngineID.coherence)" == "aura FALC COHR")
        #expect(EngineID([1, 2, 3]) == nil && engine.bytes == [1, 2, 3, 4])
    }

    @Test func `a header beyond 64 items or 64 KiB is refused`() throws {
        func encoded(_ items: [DigestItem]) -> [UInt8] {
            var encoder = SCALEEncoder()
            encoder.appendRaw([UInt8](repeating: 0, count: 32) + [4])
            encoder.appendRaw([UInt8](repeating: 0, count: 64))
            encoder.appendItems(items)
            return encoder.bytes
        }
        let most = encoded([DigestItem](repeating: .runtimeEnvironmentUpdated, count: 64))
        #expect(try SCALEDecoder.decode(Header.self, from: most).digest.count == 64)
        let tooMany = encoded([DigestItem](repeating: .runtimeEnvironmentUpdated, count: 65))
        #expect(throws: SCALEError.tooManyItems(offset: 97, count: 65, limit: 64)) {
            try SCALEDecoder.decode(Header.self, from: tooMany)
        }
        // 97 bytes, count 1, index 1, byte count 4: the item may have 65,433 bytes.
        let largest = encoded([.other([UInt8](repeating: 1, count: 65_536 - 103))])
        #expect(largest.count == Header.maximumByteCount)
        #expect(try SCALEDecoder.decode(Header.self, from: largest).scaleBytes == largest)
        let tooLarge = encoded([.other([UInt8](repeating: 1, count: 65_536 - 102))])
        #expect(throws: SCALEError.self) { try SCALEDecoder.decode(Header.self, from: tooLarge) }
        let overLong = encoded([.other([UInt8](repeating: 1, count: 65_537))])
        #expect(throws: SCALEError.self) { try SCALEDecoder.decode(Header.self, from: overLong) }
    }

    @Test func `the slot is that of the only well-formed aura item`() {
        func slot(_ digest: [DigestItem]) -> SlotNumber? {
            Header(
                parentHash: .zero, number: BlockNumber(1), stateRoot: .zero,
                extrinsicsRoot: .zero, digest: digest
            ).slot
        }
        let good = DigestItem.preRuntime(.aura, SlotNumber(258).scaleBytes)
        #expect(slot([good]) == SlotNumber(258))
        #expect(slot([.other([1]), .preRuntime(.falcon, [1]), good]) == SlotNumber(258))
        #expect(slot([]) == nil)
        #expect(slot([good, good]) == nil)
        #expect(slot([.preRuntime(.aura, [1, 2, 3])]) == nil)
        #expect(slot([.preRuntime(.aura, [UInt8](repeating: 0, count: 9))]) == nil)
        #expect(slot([.consensus(.aura, SlotNumber(1).scaleBytes)]) == nil)
    }

    @Test func `only a Falcon seal in the last place is a seal`() {
        func header(_ digest: [DigestItem]) -> Header {
            Header(
                parentHash: .zero, number: BlockNumber(1), stateRoot: .zero,
                extrinsicsRoot: .zero, digest: digest)
        }
        #expect(header([.other([1]), .seal(.falcon, [2])]).seal == [2])
        #expect(header([.seal(.falcon, [2]), .other([1])]).seal == nil)
        #expect(header([.seal(.aura, [2])]).seal == nil)
        #expect(header([]).seal == nil)
        let plain = header([.other([1])])
        #expect(header([.other([1]), .seal(.falcon, [2])]).preSealHash == plain.hash)
        #expect(header([.other([1]), .seal(.aura, [2])]).preSealHash == plain.hash)
        #expect(plain.preSealHash == plain.hash)
    }

    @Test func `a block reference is its hash, then its height in four bytes`() throws {
        let hash = try #require(Hash256([UInt8](repeating: 7, count: 32)))
        let ref = BlockRef(hash: hash, number: BlockNumber(258))
        #expect(ref.scaleBytes == hash.bytes + [2, 1, 0, 0])
        #expect(try SCALEDecoder.decode(BlockRef.self, from: ref.scaleBytes) == ref)
        #expect(ref.description == "#258 0x0707…0707")
        let higher = BlockRef(hash: hash, number: BlockNumber(259))
        let lowerHash = BlockRef(hash: .zero, number: BlockNumber(258))
        #expect(higher.isBetterHead(than: ref) && !ref.isBetterHead(than: higher))
        #expect(lowerHash.isBetterHead(than: ref) && !ref.isBetterHead(than: ref))
    }
}
