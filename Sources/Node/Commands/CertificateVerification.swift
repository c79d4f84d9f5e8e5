import Foundation
internal import Chain
internal import Coherence
internal import Primitives
internal import RPC
internal import SCALE

/// Verifies a finality certificate offline, against the validator set of a chain specification, or a
/// later one that hand-offs lead to.
public struct CertificateVerification: Sendable {
    private let chain: String
    private let text: String
    private let handOffs: [String]

    /// The most bytes of input: a certificate of 1,000 validators with a thousand headers fits.
    public static let maximumByteCount = 16 * 1024 * 1024

    /// - Parameters:
    ///   - chain: `dev`, `local` or the path of a specification.
    ///   - text: a certificate in hexadecimal digits, or JSON: the result of
    ///     `coherence_proveFinality`, alone or within its JSON-RPC answer.
    ///   - handOffs: answers of `coherence_handOffs`, from set 0 on.
    public init(chain: String, text: String, handOffs: [String] = []) {
        self.chain = chain
        self.text = text
        self.handOffs = handOffs
    }

    /// Why an input was refused.
    public enum Invalid: Error, Equatable, CustomStringConvertible {
        case tooLarge
        case noCertificate
        case undecodable(String)
        case notValid(String)
        case headers(String)
        case handOff(String)

        public var description: String {
            switch self {
            case .tooLarge:
                "the input is larger than \(CertificateVerification.maximumByteCount) bytes"
            case .noCertificate:
                "the input holds no certificate: neither hexadecimal digits nor JSON with a field "
                    + "'certificate'. Give the answer of coherence_proveFinality."
            case .undecodable(let why): "the certificate cannot be decoded: \(why)"
            case .notValid(let why): "the certificate is NOT VALID: \(why)"
            case .handOff(let why): "the hand-offs do not lead to the certificate's set: \(why)"
            case .headers(let why): "the headers do not lead to the certified block: \(why)"
            }
        }
    }

    /// Verifies and describes the certificate.
    ///
    /// - Throws: what is wrong with it.
    public func report() throws -> String {
        guard text.utf8.count <= Self.maximumByteCount else { throw Invalid.tooLarge }
        let resolved = try ChainSpecification.named(chain).resolve()
        let (bytes, headers) = try Self.parse(text)
        let certificate: FinalityCertificate
        do throws(SCALEError) {
            certificate = try SCALEDecoder.decode(from: bytes)
        } catch {
            throw Invalid.undecodable("\(error)")
        }
        let set = try Self.follow(
            try handOffs.flatMap { text throws(Invalid) in try Self.parseHandOffs(text) },
            from: resolved, to: certificate.setID)
        do throws(CertificateInvalid) {
            _ = try certificate.verify(
                set: set, genesisHash: resolved.genesisHash, verifier: FalconVerifier())
        } catch {
            throw Invalid.notValid("\(error)")
        }
        let path = try Self.check(headers, leadingTo: certificate.target.hash)
        return Self.describe(certificate, set: set, path: path)
    }

    private static func parse(_ text: String) throws(Invalid) -> ([UInt8], [Header]) {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        if let bytes = [UInt8](hex: trimmed), !bytes.isEmpty { return (bytes, []) }
        guard
            let object = try? JSONSerialization.jsonObject(with: Foundation.Data(trimmed.utf8))
                as? [String: Any]
        else { throw .noCertificate }
        let proof = object["result"] as? [String: Any] ?? object
        guard let digits = proof["certificate"] as? String, let bytes = [UInt8](hex: digits) else {
            throw .noCertificate
        }
        var headers: [Header] = []
        for digits in proof["headers"] as? [String] ?? [] {
            guard let raw = [UInt8](hex: digits),
                let header = try? SCALEDecoder.decode(Header.self, from: raw)
            else { throw .headers("one of them cannot be decoded") }
            headers.append(header)
        }
        return (bytes, headers)
    }

    /// The headers must be a chain that ends in the certified block.
    private static func check(
        _ headers: [Header], leadingTo hash: Hash256
    ) throws(Invalid) -> ClosedRange<UInt32>? {
        guard let first = headers.first, let last = headers.last else { return nil }
        for (parent, child) in zip(headers, headers.dropFirst()) {
            guard child.parentHash == parent.hash, child.number == parent.number.successor else {
                throw .headers("block #\(child.number) is no child of block #\(parent.number)")
            }
        }
        guard last.hash == hash else {
            throw .headers("they end in \(last.hash), but the certificate is for \(hash)")
        }
        return first.number.rawValue...last.number.rawValue
    }

    private static func describe(
        _ certificate: FinalityCertificate, set: ValidatorSet, path: ClosedRange<UInt32>?
    ) -> String {
        let votes = certificate.precommits
        let summary = certificate.summary
        let voters = votes.map { "\($0.validator)" }.joined(separator: ", ")
        var lines = [
            "VALID: block #\(certificate.target.number) \(certificate.target.hash) is final.",
            "  set \(certificate.setID), round \(certificate.round), policy \(certificate.policy.name)",
            "  \(votes.count) of \(set.count) validators voted (\(set.quorum) needed): \(voters)",
            "  score  mean \(summary?.meanScore ?? 0), lowest \(summary?.minimumScore ?? 0), highest \(summary?.maximumScore ?? 0)",
            "  QBER   mean \(summary?.meanQBER ?? 0), lowest \(summary?.minimumQBER ?? 0), highest \(summary?.maximumQBER ?? 0) (basis points)",
        ]
        if let path {
            lines.append("  blocks #\(path.lowerBound) to #\(path.upperBound) are final with it.")
        }
        return lines.joined(separator: "\n")
    }
}
