internal import Primitives
internal import Validator

/// Something that is going to happen.
enum Happening: Sendable {
    /// A node is told something that comes from within itself.
    case input(node: Int, life: UInt32, ValidatorCore.Input)
    /// A node's timer fires.
    case timer(node: Int, life: UInt32, ValidatorCore.TimerID, setting: UInt64)
    /// A node's commit is durable.
    case committed(node: Int, life: UInt32)
    /// A node's wall clock enters a slot.
    case slot(node: Int, life: UInt32)
    /// A node's quantum source reports.
    case measurement(node: Int, life: UInt32)
    /// An attacker does something.
    case attack(node: Int, life: UInt32)
    /// How much the nodes have sent each other lately is looked at.
    case metering
    /// Somebody hands in a remark.
    case remark
    /// Somebody wants another validator set.
    case setChange
    /// A node's power fails in the middle of a hand-off.
    case crash(node: Int, life: UInt32)
    /// The ends of a link try to connect.
    case dial(link: Int)
    /// An end learns that a channel's stream is open.
    case opened(link: Int, connection: UInt32, Channel, stream: UInt32, end: Int, [UInt8])
    /// An end learns that a channel's stream is gone.
    case closed(link: Int, Channel, end: Int, life: UInt32)
    /// A closed channel's stream is tried again.
    case reopen(link: Int, connection: UInt32, Channel)
    /// A line may send on.
    case send(link: Int, connection: UInt32, end: Int)
    /// A packet sent by `end` arrives at the other one.
    case arrival(link: Int, connection: UInt32, end: Int, Packet)
    /// Too long a silence on a link.
    case silence(link: Int, connection: UInt32, since: Instant)
    /// A request brought no answer in time.
    case requestTimeout(RequestToken)
    /// A node comes back.
    case restart(node: Int, life: UInt32)
    /// The next fault is due.
    case fault
    /// A fault ends.
    case faultEnd(UInt64)
    /// A step of the script is due.
    case script(Int)
}
