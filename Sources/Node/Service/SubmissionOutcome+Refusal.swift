internal import BlockSync
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
        }
    }
}
