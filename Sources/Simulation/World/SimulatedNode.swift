internal import Chain
internal import Coherence
internal import Primitives
internal import Validator

/// One node: a machine with a clock and a disk, and on it, while it is up, a core with the shell
/// around it.
final class SimulatedNode {
    /// Which account it is: of a validator of the first set, its position there.
    let number: Int
    /// The keys that it can sign with, in any life. A key that comes later is for later sets.
    private(set) var keys: [HeldKey]
    /// The set that was asked for last. By its hash: branches have sets of the same number.
    private var place: (set: Hash256, index: ValidatorIndex?)?
    /// Nil for an honest node.
    var attacker: (any Attacker)?
    let isHonest: Bool
    @exclusivity(unchecked) var clock: VirtualClock
    var disk: VirtualDisk
    /// Draws of the node's own: signatures, delays.
    @exclusivity(unchecked) var random: SeededGenerator

    /// Counts starts, so that what belongs to an earlier life is recognised.
    @exclusivity(unchecked) var life: UInt32 = 0
    /// Nil while the node is down.
    @exclusivity(unchecked) var core: RunningCore?
    @exclusivity(unchecked) var queue = EffectQueue()
    @exclusivity(unchecked) var timers = TimerSettings()
    /// What streams are opened with now, by channel.
    var handshakes = [[UInt8]](repeating: [], count: Channel.allCases.count)
    /// Nothing happens in the node before.
    @exclusivity(unchecked) var frozenUntil = Instant.zero
    /// When the verifier has done all that it was given.
    var verifierFreeAt = Instant.zero
    /// Commits take that many times as long.
    var diskSlowness = 1
    /// Whatever is asked of the signer fails.
    var isSignerDown = false
    /// What the signer was asked for in this life, by slot.
    var requestedVotes: [VoteSlot: UnsignedVote] = [:]
    /// Writing fails, and with it the node.
    @exclusivity(unchecked) var isDiskFull = false
    /// The quantum source has failed.
    var isSourceDown = false
    /// The newest slot that the wall clock has shown, in any life.
    var newestSlot = SlotNumber(0)
    /// Rounds entered since the traffic meter was read, in any life.
    var recentRoundCount = 1
    /// The newest finalised block that was announced, in any life.
    var announced: BlockRef?
    /// The set that the node has told of last.
    var toldSet = SetID(0)

    /// - Parameter keys: none for a node that only follows.
    init(
        number: Int, keys: [HeldKey], attacker: (any Attacker)?, clock: VirtualClock,
        disk: VirtualDisk, random: SeededGenerator
    ) {
        self.number = number
        self.keys = keys
        self.attacker = attacker
        isHonest = attacker == nil
        self.clock = clock
        self.disk = disk
        self.random = random
    }

    var isUp: Bool { core != nil }

    var account: AccountID { KeyedHashScheme.account(of: number) }

    /// The node's position in a set; nil when no key of it is held.
    func index(in set: ValidatorSet) -> ValidatorIndex? {
        if let place, place.set == set.hash { return place.index }
        let index = HeldKeys(keys).local(in: set)
        place = (set.hash, index)
        return index
    }

    /// The key that the node signs with in a set; nil when it is no member.
    func key(in set: ValidatorSet) -> [UInt8]? {
        index(in: set).flatMap { set.validator(at: $0)?.falconPublicKey }
    }

    /// Takes another key, for the sets after one.
    func add(_ key: HeldKey) {
        keys.append(key)
        place = nil
    }
}

/// The timers that are set: a few, so they are looked through.
struct TimerSettings {
    private var settings: [(id: ValidatorCore.TimerID, number: UInt64)] = []
    private var newest: UInt64 = 0

    /// Sets a timer, in place of its earlier setting.
    ///
    /// - Returns: the setting's number.
    mutating func set(_ id: ValidatorCore.TimerID) -> UInt64 {
        newest += 1
        if let known = settings.firstIndex(where: { $0.id == id }) {
            settings[known].number = newest
        } else {
            settings.append((id, newest))
        }
        return newest
    }

    /// Ends a setting; whether it was the timer's newest.
    mutating func end(_ id: ValidatorCore.TimerID, _ number: UInt64) -> Bool {
        guard let known = settings.firstIndex(where: { $0.number == number && $0.id == id })
        else { return false }
        settings.remove(at: known)
        return true
    }

    /// Forgets a timer's setting.
    mutating func cancel(_ id: ValidatorCore.TimerID) {
        settings.removeAll { $0.id == id }
    }

    /// Forgets all settings.
    mutating func cancelAll() { settings = [] }
}

/// The core of a node that is up: an object, for a core has thousands of bytes and whether it is
/// there is asked at every event.
final class RunningCore {
    var core: ValidatorCore

    init(_ core: ValidatorCore) { self.core = core }
}
