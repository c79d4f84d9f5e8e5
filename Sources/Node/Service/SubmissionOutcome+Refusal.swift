internal import BlockSync
internal import Chain
internal import RPC

extension SubmissionOutcome {
    /// What RPC tells whoever submitted the extrinsic.
    var refusal: Result<Void, ExtrinsicRefusal> {
        switch self {
        case .accepted: .success(())
        case .refused(let refusal): .failure(refusal.rpc)
        case .badSignature: .failure(.invalid(reason: "the signature is not valid"))
        case .busy: .failure(.poolFull)
        }
    }
}

extension TransactionPool.Refusal {
    /// What RPC tells whoever submitted the extrinsic.
    fileprivate var rpc: ExtrinsicRefusal {
        switch self {
        case .unknownSigner: .invalid(reason: "the signer is no validator")
        case .stale(let next): .invalid(reason: "the nonce was used; the next one is \(next)")
        case .tooFarAhead(let next):
            .invalid(reason: "the nonce is too far ahead; the next one is \(next)")
        case .taken: .slotTaken
        case .full: .poolFull
        case .inapplicable(let refusal): .invalid(reason: refusal.text)
        }
    }
}

extension ChainState.CallRefusal {
    /// For people.
    fileprivate var text: String {
        switch self {
        case .setsNeverChange: "the validator sets of this chain never change"
        case .setIDsExhausted: "there are no more validator set ids"
        case .notInNextSet(let account): "\(account) is not in the next validator set"
        case .accountTaken(let account): "\(account) is in the next validator set already"
        case .keyTaken(let account): "the key is that of \(account)"
        case .setFull: "the validator set has its full size"
        case .setWouldBeEmpty: "the validator set would be empty"
        case .invalidEvidence: "it is no evidence against a member of the last two validator sets"
        case .knownEvidence(let conviction):
            "\(conviction.account) was convicted in set \(conviction.setID) before"
        }
    }
}
