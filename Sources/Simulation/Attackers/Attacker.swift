internal import Primitives
internal import Validator

/// A Byzantine validator: a core of which somebody reads along, changes what leaves, and sends what
/// he likes besides.
protocol Attacker: Sendable {
    /// What people call it.
    static var name: String { get }
    /// Whether it may give a slot two contents: with three validators none such is tolerated.
    static var equivocates: Bool { get }

    /// What leaves instead of a message of the core's.
    mutating func send(
        _ message: OutboundMessage, on channel: Channel, to peers: [PeerHandle],
        with arms: inout AttackerArms
    ) -> [AttackerMessage]

    /// What it sends on hearing something.
    mutating func hear(
        _ bytes: [UInt8], on channel: Channel, from peer: PeerHandle,
        with arms: inout AttackerArms
    ) -> [AttackerMessage]

    /// What it sends of its own accord, some times per second.
    mutating func act(with arms: inout AttackerArms) -> [AttackerMessage]

    /// Whether it serves blocks that it is asked for.
    var servesBlocks: Bool { get }
}

extension Attacker {
    static var equivocates: Bool { false }

    mutating func send(
        _ message: OutboundMessage, on channel: Channel, to peers: [PeerHandle],
        with arms: inout AttackerArms
    ) -> [AttackerMessage] {
        [AttackerMessage(channel: channel, peers: peers, message: message)]
    }

    mutating func hear(
        _ bytes: [UInt8], on channel: Channel, from peer: PeerHandle,
        with arms: inout AttackerArms
    ) -> [AttackerMessage] { [] }

    mutating func act(with arms: inout AttackerArms) -> [AttackerMessage] { [] }

    var servesBlocks: Bool { true }
}

/// The attackers that there are.
package enum AttackerKind: String, Sendable, Hashable, CaseIterable {
    // Voters.
    case equivocator, twin, invalidSigner, replayer, nilVoter, silent, selectiveSender
    case latePrecommitter, spammer, statusLiar, roundRunner, forger, catchUpAbuser
    case numberMismatcher, twoFacedPrimary, noisySource
    // Authors.
    case doubleAuthor, futureAuthor, withholder, forkFlooder
    // Of hand-offs.
    case handOffAuthor, oldSetReplayer, departed, retiredKey

    var attacker: any Attacker {
        switch self {
        case .equivocator: Equivocator()
        case .twin: Twin()
        case .invalidSigner: InvalidSigner()
        case .replayer: Replayer()
        case .nilVoter: NilVoter()
        case .silent: SilentValidator()
        case .selectiveSender: SelectiveSender()
        case .latePrecommitter: LatePrecommitter()
        case .spammer: Spammer()
        case .statusLiar: StatusLiar()
        case .roundRunner: RoundRunner()
        case .forger: Forger()
        case .catchUpAbuser: CatchUpAbuser()
        case .numberMismatcher: NumberMismatcher()
        case .twoFacedPrimary: TwoFacedPrimary()
        case .noisySource: NoisySource()
        case .doubleAuthor: DoubleAuthor()
        case .futureAuthor: FutureAuthor()
        case .withholder: Withholder()
        case .forkFlooder: ForkFlooder()
        case .handOffAuthor: HandOffAuthor()
        case .oldSetReplayer: OldSetReplayer()
        case .departed: Departed()
        case .retiredKey: RetiredKey()
        }
    }

    /// Whether it has something to do only where sets change.
    package var needsHandOffs: Bool {
        switch self {
        case .handOffAuthor, .oldSetReplayer, .departed, .retiredKey: true
        default: false
        }
    }

    /// Whether it may give a slot two contents.
    package var equivocates: Bool { type(of: attacker).equivocates }
}

/// A message that an attacker sends.
struct AttackerMessage: Sendable {
    let channel: Channel
    let peers: [PeerHandle]
    let message: OutboundMessage
}
