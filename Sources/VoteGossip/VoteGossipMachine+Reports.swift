package import Primitives

extension VoteGossipMachine {
    /// What a peer says to be; nil when its stream is not open.
    package func role(of handle: PeerHandle) -> PeerRole? {
        peers.first { $0.handle == handle }?.role
    }
}
