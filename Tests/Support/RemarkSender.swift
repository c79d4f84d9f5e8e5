package import Chain
import Falcon
import Foundation
import Keystore
import Primitives
import SCALE
import Synchronization

/// Hands in remarks of one development account, so many a second, on a thread of its own.
///
/// Each remark goes to every node of `targets`, so that none is lost with a node.
package final class RemarkSender: Sendable {
    private struct State {
        var isStopped = false
        var accepted = 0
        /// Goes before the next remarks.
        var calls: [Extrinsic.Call] = []
    }

    private let state = Mutex(State())
    private let wakeUp = NSCondition()

    /// How many remarks, and other calls, at least one node took.
    package var acceptedCount: Int { state.withLock { $0.accepted } }

    /// - Parameters:
    ///   - uri: the development account that signs.
    ///   - genesisHash: of the chain, 0x and 64 digits.
    ///   - targets: the RPC ports to hand remarks in at; asked anew for each remark.
    package init(
        uri: String, genesisHash: String, perSecond: Double,
        targets: @escaping @Sendable () -> [Int]
    ) throws {
        guard let hash = Hash256(hex: genesisHash) else {
            throw TestFailure("no hash: \(genesisHash)")
        }
        let account = try DevelopmentAccount(uri: uri)
        Thread.detachNewThread { [self] in
            let key = account.makeSecretKey()
            var nonce: UInt64 = 0
            var next = Date()
            while !state.withLock(\.isStopped) {
                let call = state.withLock(\.calls.first)
                let remark = Extrinsic.signed(
                    call ?? .remark(Array("remark \(nonce)".utf8)), by: account.account,
                    with: key, nonce: nonce, genesisHash: hash)
                let isAccepted = targets().map { port in
                    remark.map { Self.submit($0.submission, to: RPCClient(port: port)) } ?? false
                }.contains(true)
                if isAccepted {
                    nonce += 1
                    state.withLock { state in
                        state.accepted += 1
                        if call != nil { state.calls.removeFirst() }
                    }
                }
                next = max(next + 1 / perSecond, Date() - 1)
                wakeUp.lock()
                while Date() < next && !state.withLock(\.isStopped) {
                    _ = wakeUp.wait(until: next)
                }
                wakeUp.unlock()
            }
        }
    }

    /// Has the account ask for something else between its remarks.
    package func handIn(_ call: Extrinsic.Call) { state.withLock { $0.calls.append(call) } }

    package func stop() {
        state.withLock { $0.isStopped = true }
        wakeUp.lock()
        wakeUp.broadcast()
        wakeUp.unlock()
    }

    private static func submit(_ remark: String, to client: RPCClient) -> Bool {
        (try? client.call("author_submitExtrinsic", [remark])) != nil
    }
}
