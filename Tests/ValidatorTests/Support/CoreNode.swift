import BlockSync
import Chain
import Coherence
import Primitives
import Simulation
import Validator
import VoteGossip

/// A validator key of tests: it signs with its public key.
struct TestKey: Sendable, Hashable {
    let identity: ValidatorIdentity

    /// The key of a number, for the account of the same or another number.
    init(_ number: Int, account: Int? = nil) {
        guard
            let identity = ValidatorIdentity(
                account: KeyedHashScheme.account(of: account ?? number),
                falconPublicKey: KeyedHashScheme.publicKey(of: number))
        else { preconditionFailure("the lengths are right") }
        self.identity = identity
    }

    var account: AccountID { identity.account }
    var publicKey: [UInt8] { identity.falconPublicKey }

    func sign(_ message: [UInt8], nonce: UInt64 = 0) -> [UInt8] {
        KeyedHashScheme.sign(message, key: publicKey, nonce: nonce)
    }

    /// The proof that the key's holder gives for the account.
    func proof(genesisHash: Hash256) -> [UInt8] {
        sign(
            Extrinsic.keyProofBytes(
                genesisHash: genesisHash, account: account, newKey: publicKey))
    }
}

/// The core of one node with the shell around it, over a disk of the simulator.
struct CoreNode {
    let genesis: (state: ChainState, header: Header)
    var keys: [TestKey]
    var core: ValidatorCore
    var queue = EffectQueue()
    var disk: VirtualDisk
    var timers: [(id: ValidatorCore.TimerID, at: Instant)] = []
    /// What it has signed, by public key.
    var signed: [(key: [UInt8], slot: VoteSlot)] = []
    var activated: [ValidatorSet] = []
    var doubleVotes: [VoteSlot] = []
    var finalised: [BlockRef] = []
    var alarms: [SafetyAlarm] = []

    init(
        genesis: (state: ChainState, header: Header), keys: [TestKey], slot: SlotNumber,
        disk: VirtualDisk? = nil
    ) throws {
        self.genesis = genesis
        self.keys = keys
        self.disk =
            disk
            ?? VirtualDisk(
                DiskImage(genesisHeader: genesis.header, state: genesis.state),
                faults: PersistenceFaults())
        core = try Self.core(genesis.header.hash, keys, self.disk, slot)
    }

    private static func core(
        _ genesisHash: Hash256, _ keys: [TestKey], _ disk: VirtualDisk, _ slot: SlotNumber
    ) throws -> ValidatorCore {
        let (tree, voting) = try disk.durable.recover(limits: .standard)
        return try ValidatorCore(
            configuration: ValidatorCore.Configuration(
                genesisHash: genesisHash, keys: keys.map { HeldKey($0.identity) },
                producesBlocks: true, voting: CoherenceGadget.Configuration(),
                gossip: GossipConfiguration(),
                sync: SyncConfiguration(genesisHash: genesisHash, roles: .authority)),
            tree: tree, recovered: voting, currentSlot: slot,
            authoredSlot: disk.durable.authoredSlot, evidence: disk.durable.evidence,
            verifier: KeyedHashVerifier())
    }

    /// The power fails, and the node starts again from what is durable.
    mutating func restart(leaving remains: VirtualDisk.Remains, slot: SlotNumber) throws {
        try disk.crash(leaving: remains)
        queue = EffectQueue()
        timers = []
        core = try Self.core(genesis.header.hash, keys, disk, slot)
    }

    /// Signs if the key is held.
    func signature(_ message: [UInt8], _ key: [UInt8]) -> [UInt8]? {
        keys.first { $0.publicKey == key }?.sign(message, nonce: UInt64(message.count))
    }

    static let measurement = QuantumMeasurement(
        judging: QuantumState(
            validProofs: 9, rejectedProofs: 1, averageQBER: 50, entropyPoolHash: .zero,
            reporterCount: 3, minimumQBER: 40, maximumQBER: 60))
}
