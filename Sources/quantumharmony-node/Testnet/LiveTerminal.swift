import Foundation
import Glibc
import Synchronization
import Testnet

/// The terminal of the launcher: the table in its upper rows, the dialogue below; or plain lines.
struct LiveTerminal {
    let isLive: Bool
    private var view = NetworkView()
    private var tableRows = 0

    init(isLive: Bool) { self.isLive = isLive }

    /// Writes a line into the dialogue.
    func say(_ line: String) { Self.write(line + "\n") }

    /// Shows how the nodes are.
    mutating func show(_ observations: [NodeObservation], network: String) {
        guard isLive else {
            for line in view.changes(observations) { say(line) }
            return
        }
        let table = NetworkView.table(observations, network: network)
        if tableRows == 0 { layOut(table.count) }
        // Save the cursor, go up, write each row, and come back.
        var text = "\u{1B}7"
        for (row, line) in table.enumerated() { text += "\u{1B}[\(row + 1);1H\u{1B}[2K\(line)" }
        Self.write(text + "\u{1B}8")
    }

    /// Gives the table the upper rows; all else scrolls below them.
    private mutating func layOut(_ rows: Int) {
        tableRows = rows
        var size = winsize()
        let hasSize = ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && Int(size.ws_row) > rows + 3
        let height = hasSize ? Int(size.ws_row) : rows + 12
        Self.write(
            "\u{1B}[2J\u{1B}[\(rows + 2);\(height)r\u{1B}[\(rows + 2);1H")
    }

    /// Shows that a command is expected.
    func prompt() { if isLive { Self.write("testnet> ") } }

    /// Gives the whole terminal back.
    func leave() { if isLive { Self.write("\u{1B}[r\u{1B}[999;1H\n") } }

    private static func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}

/// The lines that are typed at the prompt.
final class TypedLines: Sendable {
    private let lines = Mutex<[String]>([])

    init() {
        Thread.detachNewThread { [self] in
            while let line = readLine() { lines.withLock { $0.append(line) } }
        }
    }

    /// The next line; nil when none waits.
    func next() -> String? { lines.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
}

/// SIGINT and SIGTERM, as the launcher sees them.
enum Interruption {
    private static let number = Atomic<Int32>(0)

    /// Catches the signals; SIGHUP ends the network too.
    static func watch() {
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            Glibc.signal(signal) { number in
                Interruption.number.store(number, ordering: .relaxed)
            }
        }
    }

    /// The signal that came last; nil when none has.
    static var signal: Int32? {
        let value = number.load(ordering: .relaxed)
        return value == 0 ? nil : value
    }
}
