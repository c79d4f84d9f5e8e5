internal import Chain
internal import Coherence
internal import Primitives
internal import Validator

/// One node: a machine with a clock and a disk, and on it, while it is up, a core with the shell
/// around it.
final class SimulatedNode {
    /// The node's position in the set.
    let validator: ValidatorIndex
    let key: [UInt8]
    /// Nil for an honest node.
    var attacker: (any Attacker)?
    var clock: VirtualClock
    var disk: VirtualDisk
    /// Draws of the node's own: signatures, delays.
    var random: SeededGenerator

    /// Counts starts, so that what belongs to an earlier life is recognised.
    var life: UInt32 = 0
    /// Nil while the node is down.
    var core: ValidatorCore?
    var queue = EffectQueue()
    var timers: [ValidatorCore.TimerID: UInt64] = [:]
    var nextSetting: UInt64 = 0
    /// What streams are opened with now, by channel.
    var handshakes = [[UInt8]](repeating: [], count: Channel.allCases.count)
    /// Nothing happens in the node before.
    var frozenUntil = Instant.zero
    /// When the verifier has done all that it was given.
    var verifierFreeAt = Instant.zero
    /// Commits take that many times as long.
    var diskSlowness = 1
    /// Whatever is asked of the signer fails.
    var isSignerDown = false
    /// What the signer was asked for in this life, by slot.
    var requestedVotes: [VoteSlot: UnsignedVote] = [:]
    /// Writing fails, and with it the node.
    var isDiskFull = false
    /// The quantum source has failed.
    var isSourceDown = false
    /// The newest slot that the wall clock has shown, in any life.
    var newestSlot = SlotNumber(0)
    /// Rounds entered since the traffic meter was read, in any life.
    var recentRoundCount = 1
    /// The newest finalised block that was announced, in any life.
    var announced: BlockRef?

    init(
        validator: ValidatorIndex, key: [UInt8], attacker: (any Attacker)?, clock: VirtualClock,
        disk: VirtualDisk, random: SeededGenerator
    ) {
        self.validator = validator
        self.key = key
        self.attacker = attacker
        self.clock = clock
        self.disk = disk
        self.random = random
    }

    var isUp: Bool { core != nil }
    var isHonest: Bool { attacker == nil }
}
