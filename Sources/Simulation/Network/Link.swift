package import Primitives
internal import Validator

/// Two nodes and the connection between them, if there is one.
final class Link {
    /// The node of the lower number and the other one.
    let ends: [Int]
    /// Counts connections, so that what belongs to an old one is recognised.
    @exclusivity(unchecked) var connection: UInt32 = 0
    @exclusivity(unchecked) var isUp = false
    /// The line from `ends[0]` and the line from `ends[1]`.
    let lines: [Line]
    /// Counts the streams of each channel.
    @exclusivity(unchecked) var streams = [UInt32](repeating: 0, count: Channel.allCases.count)
    /// Whether each end was told that a channel's stream is open: `opened[end][channel]`.
    @exclusivity(unchecked) var opened: [[Bool]]
    /// Refused until then, because one end banned the other.
    var bannedUntil = Instant.zero
    /// No connection is tried before.
    var restsUntil = Instant.zero
    /// How many times as long everything takes as on other links.
    @exclusivity(unchecked) var slowness = 1
    /// Since when a line has been blocked.
    var blockedSince: Instant?

    init(_ one: Int, _ other: Int, voteByteBudget: Int) {
        ends = [one, other]
        lines = (0..<2).map { _ in Line(voteByteBudget: voteByteBudget) }
        let closed = [Bool](repeating: false, count: Channel.allCases.count)
        opened = [closed, closed]
    }

    /// Which end a node is.
    func end(of node: Int) -> Int { ends[0] == node ? 0 : 1 }
}

/// All pairs of nodes, and which of them connect.
package struct LinkTable {
    /// How many peers a node dials, and how many more may dial it: as many as it has slots.
    package static let slotCount = 25

    let count: Int
    /// The links that are dialled: all while every node has slots for all others. In a larger
    /// network the nodes form a ring in which each dials its successor and as many others, at
    /// distances that chance picks, as its slots take; so each is dialled by as many.
    package let dialled: [Int]
    private let nodeCount: Int
    private let links: [Link]

    /// - Parameter random: asked only for networks larger than a node's slots.
    package init(nodeCount: Int, voteByteBudget: Int, random: inout SeededGenerator) {
        self.nodeCount = nodeCount
        var links: [Link] = []
        for one in 0..<nodeCount {
            for other in (one + 1)..<max(nodeCount, one + 1) {
                links.append(Link(one, other, voteByteBudget: voteByteBudget))
            }
        }
        self.links = links
        count = links.count
        guard nodeCount > 2 * Self.slotCount + 1 else {
            dialled = Array(links.indices)
            return
        }
        // Half the ring is no distance of its own: both ends would dial.
        let distances = [1] + (2...(nodeCount - 1) / 2).shuffled(using: &random)
        dialled = distances.prefix(Self.slotCount).flatMap { distance in
            (0..<nodeCount).map {
                Self.index($0, ($0 + distance) % nodeCount, nodeCount: nodeCount)
            }
        }
    }

    /// The number of the link between two different nodes.
    package func index(_ one: Int, _ other: Int) -> Int {
        Self.index(one, other, nodeCount: nodeCount)
    }

    private static func index(_ one: Int, _ other: Int, nodeCount: Int) -> Int {
        let low = min(one, other)
        let high = max(one, other)
        return low * (2 * nodeCount - low - 1) / 2 + high - low - 1
    }

    subscript(index: Int) -> Link { links[index] }

    /// The numbers of the links of a node.
    func links(of node: Int) -> [Int] {
        (0..<nodeCount).filter { $0 != node }.map { index(node, $0) }
    }
}
