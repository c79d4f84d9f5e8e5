import Foundation
import Synchronization
import Testing

/// docs/interop.md: what was shown to work with which other implementation.
///
/// Each test that passes notes its row. The row has to be on the page that is committed, or the
/// test fails; with QH_INTEROP_PAGE in the environment the rows of this run are written there as
/// well, and scripts/test compares the two, so that no row outlives its test. The rows with Kubo
/// are a section of their own at the end: QH_INTEROP_KUBO, compared by scripts/soak.
enum InteropPage {
    /// Who dials.
    enum Direction: String {
        case ours = "we dial"
        case theirs = "they dial"
        case both = "both"
    }

    private static let noted = Mutex<[Section: Set<String>]>([:])
    private static let committed = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "docs/interop.md")

    /// What is written to one file: the page without its last section, or that section.
    private enum Section: String {
        case page = "QH_INTEROP_PAGE"
        case kubo = "QH_INTEROP_KUBO"

        func text(_ rows: [String]) -> String {
            """
            \(self == .page ? InteropPage.introduction : InteropPage.aboutKubo)

            | what | who dials | with | result |
            |---|---|---|---|
            \(rows.joined(separator: "\n"))
            \(self == .page ? "\n" : "")
            """
        }
    }

    /// Notes that something works; called at the end of the test that showed it.
    static func note(
        _ what: String, _ direction: Direction, _ peer: PeerKind, _ result: String = "works",
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try note(
            what, direction, with: peer.version, in: peer == .kubo ? .kubo : .page, result,
            sourceLocation: sourceLocation)
    }

    /// The same for what is no libp2p peer, by its name and version.
    static func note(
        _ what: String, _ direction: Direction, with version: String, _ result: String = "works",
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try note(
            what, direction, with: version, in: .page, result, sourceLocation: sourceLocation)
    }

    private static func note(
        _ what: String, _ direction: Direction, with version: String, in section: Section,
        _ result: String, sourceLocation: SourceLocation
    ) throws {
        let row = "| \(what) | \(direction.rawValue) | \(version) | \(result) |"
        let rows = noted.withLock { rows in
            rows[section, default: []].insert(row)
            return rows[section, default: []].sorted()
        }
        if let path = ProcessInfo.processInfo.environment[section.rawValue] {
            try section.text(rows).write(toFile: path, atomically: true, encoding: .utf8)
        }
        let lines = try String(contentsOf: committed, encoding: .utf8).split(separator: "\n")
        #expect(
            lines.contains { $0 == row },
            "docs/interop.md lacks this row: run scripts/update-interop-page\(section == .kubo ? " --kubo" : "")",
            sourceLocation: sourceLocation)
    }

    private static let introduction = """
        # Interoperability

        What this node's transport, protocols and RPC do with other implementations, as the tests in `Tests/InteropTests` show
        it. Written by `scripts/update-interop-page`; do not edit. Each row is noted by the test that shows it, and that test
        fails when its row is not here; `scripts/test` fails when a row is here that no test noted.

        All peers run on this machine, over TCP with Noise and Yamux; clients of JSON-RPC over HTTP and WebSocket. How they are
        installed: `scripts/install-test-peers`.
        """

    private static let aboutKubo = """
        ## Kubo

        The node of IPFS, from PyPI as a library of 89 MB: too large for `scripts/test`. `scripts/soak` installs it
        (`scripts/install-test-peers --kubo`), runs these tests, and fails when a row is here that none of them noted. It is
        configured for TCP on loopback and has no bootstrap nodes; it offers TLS besides Noise. Its GossipSub is that of
        `ipfs pubsub`, its DHT the one for private addresses, `/ipfs/lan/kad/1.0.0`. The library opens streams of protocols below
        `/x/` only and tells nothing of its identify: that it pings us, and what it reads in our identify, is not tested.
        """
}
