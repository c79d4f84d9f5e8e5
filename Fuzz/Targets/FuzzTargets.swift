extension FuzzTarget {
    /// Everything of this package that takes bytes from outside.
    package static let all: [FuzzTarget] =
        CodecTargets.all + MessageTargets.all + IdentityTargets.all + ConnectionTargets.all
        + YamuxTargets.all + DiscoveryTargets.all + GossipSubTargets.all + TextTargets.all
        + RPCTargets.all + StorageTargets.all + ValidatorTargets.all + KeyTargets.all

    /// The target of that name.
    package static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }

    /// Removes the files that targets keep between executions.
    package static func cleanUp() { StorageTargets.removeFiles() }
}
