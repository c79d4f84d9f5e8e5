import ArgumentParser
import Foundation
import Glibc
import Node

/// How the node is run by other programs and by operators.
struct OperationOptions: ParsableArguments {
    @Flag(
        name: .customLong("announce-public-only"),
        help: ArgumentHelp(
            "Tell peers the addresses of --public-addr only, not those listened on.",
            discussion: "For nodes behind sentries or relays."))
    var announcesPublicOnly = false

    @Flag(
        name: .customLong("until-input-ends"),
        help: ArgumentHelp(
            "Stop when standard input ends.",
            discussion:
                "For programs that start nodes: however such a program ends, its nodes end with it."
        ))
    var runsUntilInputEnds = false

    func apply(to configuration: inout NodeConfiguration) {
        configuration.announcesPublicAddressesOnly = announcesPublicOnly
    }

    /// Begins to watch standard input if that was asked for.
    func watchInput() {
        guard runsUntilInputEnds else { return }
        Thread.detachNewThread {
            var buffer = [UInt8](repeating: 0, count: 256)
            while true {
                let count = read(0, &buffer, buffer.count)
                if count > 0 || (count < 0 && errno == EINTR) { continue }
                break
            }
            raise(SIGTERM)
            // Whoever started the node is gone: nobody else ends one that hangs.
            sleep(10)
            kill(getpid(), SIGKILL)
        }
    }
}
