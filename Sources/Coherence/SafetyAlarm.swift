package import SCALE

/// Something that can happen only if more validators are faulty than the protocol tolerates, or if
/// our own key is used elsewhere. The validator stops signing in this set, keeps the evidence and
/// keeps following.
package enum SafetyAlarm: Sendable, Hashable {
    /// A valid certificate for a block that is neither an ancestor nor a descendant of the
    /// finalised block, whose own certificate is given when it is of this set.
    case conflictingCertificate(
        FinalityCertificate, finalised: VoteTarget, finalisedBy: FinalityCertificate?)
    /// A lock of a round not below the certificate's, on a block that conflicts with it.
    case conflictingLock(Lock, FinalityCertificate)
    /// Two votes of our own key in one slot for different targets.
    case ownDoubleVote(DoubleVote)
    /// A vote of our own key that this node never signed.
    case ownKeyUsedElsewhere(CoherenceVote)
}

extension SafetyAlarm: SCALEEncodable, SCALEDecodable {
    /// Appends an index (0 to 3 in the order of the cases) and the operands in order.
    package func encode(to encoder: inout SCALEEncoder) {
        switch self {
        case .conflictingCertificate(let certificate, let finalised, let finalisedBy):
            encoder.append(UInt8(0))
            encoder.append(certificate)
            encoder.append(finalised)
            encoder.appendOption(finalisedBy)
        case .conflictingLock(let lock, let certificate):
            encoder.append(UInt8(1))
            encoder.append(lock)
            encoder.append(certificate)
        case .ownDoubleVote(let evidence):
            encoder.append(UInt8(2))
            encoder.append(evidence)
        case .ownKeyUsedElsewhere(let vote):
            encoder.append(UInt8(3))
            encoder.append(vote)
        }
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        switch try decoder.readByte() {
        case 0:
            self = .conflictingCertificate(
                try decoder.read(), finalised: try decoder.read(),
                finalisedBy: try decoder.readOption())
        case 1: self = .conflictingLock(try decoder.read(), try decoder.read())
        case 2: self = .ownDoubleVote(try decoder.read())
        case 3: self = .ownKeyUsedElsewhere(try decoder.read())
        case let index: throw .invalidIndex(offset: start, index: index)
        }
    }
}

extension SafetyAlarm: CustomStringConvertible {
    package var description: String {
        switch self {
        case .conflictingCertificate(let certificate, let finalised, _):
            "a certificate of round \(certificate.round) for \(certificate.target) conflicts with"
                + " the finalised block \(finalised)"
        case .conflictingLock(let lock, let certificate):
            "the lock of round \(lock.round) on \(lock.block) conflicts with the certificate of"
                + " round \(certificate.round) for \(certificate.target)"
        case .ownDoubleVote(let evidence):
            "our own key voted for \(evidence.first.target) and \(evidence.second.target) in"
                + " \(evidence.first.phase) of round \(evidence.first.round)"
        case .ownKeyUsedElsewhere(let vote):
            "our own key signed a \(vote.phase) of round \(vote.round) for \(vote.target) that this"
                + " node did not sign"
        }
    }
}
