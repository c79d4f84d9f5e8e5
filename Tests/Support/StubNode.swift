package import Chain
package import Coherence
package import Primitives
package import RPC
import SCALE
import Synchronization

/// A node of three finalised blocks and one more, with one round going on.
package final class StubNode: NodeQueries {
    package let description = NodeDescription(
        implementation: "Stub Node", version: "1.2.3", chain: "Stub Chain", kind: .local,
        peerID: "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp", isValidator: true,
        addressPrefix: 42)
    package let blocks: [Block]
    package let certificate: FinalityCertificate
    package let set: ValidatorSet
    package let signature: VoteSignature
    private let submitted = Mutex<[Extrinsic]>([])
    private let failure = Mutex(false)
    private let reserved = Mutex(["12D3KooWA"])

    /// What was handed to the pool.
    package var pool: [Extrinsic] { submitted.withLock { $0 } }

    /// From now on every query that can fail does.
    package func breakDown() { failure.withLock { $0 = true } }

    package init() {
        var blocks: [Block] = []
        for number in UInt32(0)...3 {
            let extrinsics = number == 2 ? [Self.extrinsic(nonce: 7)] : []
            let header = Header(
                parentHash: blocks.last?.hash ?? .zero, number: BlockNumber(number),
                stateRoot: BLAKE2b256.hash([UInt8(number)]),
                extrinsicsRoot: Block.extrinsicsRoot(of: extrinsics),
                digest: [.preRuntime(.aura, SlotNumber(UInt64(number) + 10).scaleBytes)])
            blocks.append(Block(header: header, extrinsics: extrinsics))
        }
        self.blocks = blocks
        let validators = (UInt8(1)...3).compactMap { seed in
            AccountID([UInt8](repeating: seed, count: 32)).flatMap {
                ValidatorIdentity(
                    account: $0, falconPublicKey: [UInt8](repeating: seed, count: 1_793))
            }
        }
        guard
            let set = try? ValidatorSet(id: SetID(5), validators: validators, policy: .twoThirds),
            let signature = VoteSignature([0x3A] + [UInt8](repeating: 9, count: 1_279))
        else { preconditionFailure("three validators are a set") }
        self.set = set
        self.signature = signature
        certificate = FinalityCertificate(
            setID: set.id, setHash: set.hash, round: RoundNumber(4),
            target: VoteTarget(blocks[2].ref), policy: .twoThirds,
            precommits: [0, 2].map {
                VoteEntry(
                    validator: ValidatorIndex($0), coherenceScore: 95, quantumState: Self.state,
                    signature: signature)
            })
    }

    package static let state = QuantumState(
        validProofs: 3, rejectedProofs: 1, averageQBER: 50, entropyPoolHash: .zero,
        reporterCount: 2, minimumQBER: 40, maximumQBER: 60)

    package static func extrinsic(nonce: UInt64) -> Extrinsic {
        guard let signer = AccountID([UInt8](repeating: 1, count: 32)),
            let extrinsic = Extrinsic(
                kind: .remark, signer: signer, nonce: nonce, payload: [1, 2, 3],
                signature: [0x3A] + [UInt8](repeating: 0, count: 1_279))
        else { preconditionFailure("a remark of three bytes is allowed") }
        return extrinsic
    }

    private func check() throws(NodeQueryFailure) {
        if failure.withLock({ $0 }) { throw NodeQueryFailure(reason: "the disk is gone") }
    }

    package func health() async -> NodeHealth {
        NodeHealth(peerCount: 2, isSyncing: false, shouldHavePeers: true)
    }

    package func syncProgress() async -> SyncProgress {
        SyncProgress(starting: BlockNumber(0), current: BlockNumber(3), highest: BlockNumber(9))
    }

    package func listenAddresses() async -> [String] { ["/ip4/127.0.0.1/tcp/30333"] }

    package func peers() async -> [PeerReport] {
        [
            PeerReport(
                peerID: "12D3KooWA", isValidator: true, best: blocks[1].ref,
                hasPostQuantumTransport: true),
            PeerReport(
                peerID: "12D3KooWB", isValidator: false, best: blocks[2].ref,
                hasPostQuantumTransport: false),
        ]
    }

    package func bans() async -> [BanReport] {
        [BanReport(peerID: "12D3KooWC", untilUnixSeconds: 1_800_000_000, count: 2)]
    }

    package func reservedPeers() async -> [String] { reserved.withLock { $0 } }

    package func addReservedPeer(_ address: String) async throws(PeerRefusal) {
        guard let name = address.split(separator: "/").last, address.contains("/p2p/") else {
            throw PeerRefusal(reason: "'\(address)' names no peer")
        }
        reserved.withLock { $0.append(String(name)) }
    }

    package func removeReservedPeer(_ peerID: String) async throws(PeerRefusal) {
        guard peerID.hasPrefix("12D3") else {
            throw PeerRefusal(reason: "'\(peerID)' is no peer id")
        }
        reserved.withLock { $0.removeAll { $0 == peerID } }
    }

    package func bestBlock() async -> BlockRef { blocks[3].ref }
    package func finalisedBlock() async -> BlockRef { blocks[2].ref }

    package func canonicalHash(at number: BlockNumber) async throws(NodeQueryFailure) -> Hash256? {
        try check()
        return number.rawValue < 4 ? blocks[Int(number.rawValue)].hash : nil
    }

    package func header(of hash: Hash256) async throws(NodeQueryFailure) -> Header? {
        try check()
        return blocks.first { $0.hash == hash }?.header
    }

    package func block(of hash: Hash256) async throws(NodeQueryFailure) -> BlockReport? {
        try check()
        return blocks.first { $0.hash == hash }.map {
            BlockReport(block: $0, certificate: $0.number.rawValue == 2 ? certificate : nil)
        }
    }

    package func submit(_ extrinsic: Extrinsic) async throws(ExtrinsicRefusal) {
        switch extrinsic.nonce {
        case 0: submitted.withLock { $0.append(extrinsic) }
        case 1: throw .invalid(reason: "the nonce is wrong")
        case 2: throw .alreadyKnown
        case 3: throw .slotTaken
        default: throw .poolFull
        }
    }

    package func pendingExtrinsics() async -> [Extrinsic] { pool }

    package func roundState() async -> RoundStateReport? {
        guard !failure.withLock({ $0 }) else { return nil }
        return RoundStateReport(
            set: set,
            rounds: [
                .init(
                    number: RoundNumber(6), prevotes: [ValidatorIndex(0), ValidatorIndex(2)],
                    precommits: []),
                .init(
                    number: RoundNumber(5),
                    prevotes: [ValidatorIndex(0), ValidatorIndex(1), ValidatorIndex(2)],
                    precommits: [ValidatorIndex(1)]),
            ],
            finalised: blocks[2].ref,
            lock: .init(block: blocks[3].ref, round: RoundNumber(5)))
    }

    package func activeSet() async -> ValidatorSet { set }

    package func votes(for hash: Hash256) async throws(NodeQueryFailure) -> [VoteReport] {
        try check()
        guard hash == blocks[3].hash else { return [] }
        return [
            VoteReport(
                index: ValidatorIndex(2),
                vote: CoherenceVote(
                    validator: set.validators[2].account, target: VoteTarget(blocks[3].ref),
                    coherenceScore: 95, quantumState: Self.state, signature: signature,
                    phase: .precommit, round: RoundNumber(6), setID: set.id))
        ]
    }

    package func handOffs(from set: SetID) async throws(NodeQueryFailure) -> [HandOffProof] {
        try check()
        guard set == certificate.setID else { return [] }
        return [
            HandOffProof(certificate: certificate, header: blocks[2].header, nextSet: self.set)
        ]
    }

    package func finalityProof(
        from number: BlockNumber
    ) async throws(NodeQueryFailure) -> FinalityProof? {
        try check()
        guard number.rawValue <= 2 else { return nil }
        return FinalityProof(
            certificate: certificate,
            headers: blocks[Int(number.rawValue)...2].map(\.header))
    }
}
