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
