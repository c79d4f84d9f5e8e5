internal import Chain
internal import Coherence
internal import Keystore
internal import Logging
internal import Primitives
internal import RPC
internal import LibP2P
internal import Storage

extension NodePreparation {
    /// What RPC tells of the node.
    var description: NodeDescription {
        NodeDescription(
            implementation: NodeVersion.implementation, version: NodeVersion.text,
            chain: chain.name, kind: chain.parameters.kind, peerID: "\(identity.peerID)",
            isValidator: !keys.isEmpty, addressPrefix: SS58Address.genericPrefix)
    }

    /// The validators' names, where the specification has them.
    var validatorNames: [AccountID: String] {
        var names: [AccountID: String] = [:]
        for (entry, validator) in zip(specification.validators, chain.set.validators) {
            names[validator.account] = entry.name
        }
        return names
    }

    /// The start-up summary.
    func logSummary(_ logger: Logger) {
        logger.info("\(NodeVersion.implementation) \(NodeVersion.text)")
        logger.info(
            "Chain: \(chain.name) (\(chain.parameters.chainID)), genesis \(chain.genesisHash), slots of \(chain.parameters.slotDurationMilliseconds) ms"
        )
        logger.info("Local node identity is: \(identity.peerID)")
        logger.info("Base path: \(paths.root)\(isTemporary ? " (temporary)" : "")")
        logger.info(
            "Validator set \(set.id): \(set.count) validators, \(set.quorum) make a block final (\(set.policy.name))"
        )
        if let local, let validator = set.validator(at: local) {
            let address = SS58Address(validator.account)
            logger.info(
                "Voting as validator \(local): \(validatorNames[validator.account] ?? "") \(address?.description ?? "")"
            )
        } else {
            logger.info(
                keys.isEmpty
                    ? "Following without voting"
                    : "Following without voting: no key here is one of this validator set"
            )
        }
        if set.count > 1, set.policy.toleratedEquivocators(validatorCount: set.count) == 0 {
            logger.warning(
                "With \(set.count) validators and a quorum of \(set.quorum) this chain survives a crashed or silent validator, but not one that votes twice"
            )
        }
        logger.info(
            "Finalised #\(recovered.finalised.header.number) (\(recovered.finalised.header.hash.short)), best #\(tree.best.number) (\(tree.best.hash.short))"
        )
    }
}
