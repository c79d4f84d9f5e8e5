import Foundation
import Synchronization
import Testing

/// docs/interop.md: what was shown to work with which other implementation.
///
/// Each test that passes notes its row. The row has to be on the page that is committed, or the
/// test fails; with QH_INTEROP_PAGE in the environment the rows of this run are written there as
/// well, and scripts/test compares the two, so that no row outlives its test.
enum InteropPage {
    /// Who dials.
    enum Direction: String {
        case ours = "we dial"
        case theirs = "they dial"
        case both = "both"
    }

    private static let noted = Mutex<Set<String>>([])
    private static let committed = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "docs/interop.md")

    /// Notes that something works; called at the end of the test that showed it.
    static func note(
        _ what: String, _ direction: Direction, _ peer: PeerKind, _ result: String = "works",
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try note(
            what, direction, with: peer.version, result, sourceLocation: sourceLocation)
    }

    /// The same for what is no libp2p peer, by its name and version.
    static func note(
        _ what: String, _ direction: Direction, with version: String, _ result: String = "works",
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let row = "| \(what) | \(direction.rawValue) | \(version) | \(result) |"
        let rows = noted.withLock { rows in
            rows.insert(row)
            return rows.sorted()
        }
        if let path = ProcessInfo.processInfo.environment["QH_INTEROP_PAGE"] {
            try page(rows).write(toFile: path, atomically: true, encoding: .utf8)
        }
        let lines = try String(contentsOf: committed, encoding: .utf8).split(separator: "\n")
        #expect(
            lines.contains { $0 == row },
            "docs/interop.md lacks this row: run scripts/update-interop-page",
            sourceLocation: sourceLocation)
    }

    private static func page(_ rows: [String]) -> String {
        """
        # Interoperability

        What this node's transport, protocols and RPC do with other implementations, as the tests in `Tests/InteropTests` show
        it. Written by `scripts/update-interop-page`; do not edit. Each row is noted by the test that shows it, and that test
        fails when its row is not here; `scripts/test` fails when a row is here that no test noted.

        All peers run on this machine, over TCP with Noise and Yamux; clients of JSON-RPC over HTTP and WebSocket. How they are
        installed: `scripts/install-test-peers`.

        | what | who dials | with | result |
        |---|---|---|---|
        \(rows.joined(separator: "\n"))

        """
    }
}
