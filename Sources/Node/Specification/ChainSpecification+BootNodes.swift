internal import LibP2P

extension ChainSpecification {
    /// The peers that every node of the chain dials first.
    ///
    /// - Throws: `Invalid.field` for an entry that is no multiaddr or names no peer.
    func bootnodeAddresses() throws(Invalid) -> [Multiaddr] {
        var addresses: [Multiaddr] = []
        for text in bootNodes {
            guard let address = try? Multiaddr(text), address.peerID != nil else {
                throw .field("bootNodes", why: "'\(text)' is no multiaddr with /p2p/ at its end")
            }
            addresses.append(address)
        }
        return addresses
    }
}
