import Foundation
import Primitives
import Testing
import SCALE
import VoteGossip

/// The published validation vectors: made by the cases of `VectorCases` (set `WRITE_VECTORS=1` to
/// make the file anew), and run from the file alone.
@Suite struct ValidationVectorTests {
    /// Refusals that no peer of a set of four can bring about: the other bounds come first.
    static let unreachable: [IgnoreReason] = [.overByteBudget]

    @Test func `the cases come to what they are about, and make the published file`() throws {
        var writer = VectorWriter(try DevelopmentChain())
        try writer.addAll()
        #expect(writer.surprises.isEmpty)
        let made = writer.document()
        if ProcessInfo.processInfo.environment["WRITE_VECTORS"] != nil { try made.write() }
        let published = try ValidationVectors.published()
        #expect(published.cases.map(\.name) == made.cases.map(\.name))
        for (one, other) in zip(published.cases, made.cases) where one != other {
            Issue.record("\(one.name): \(other) is not as published, \(one)")
        }
        #expect(published == made)
    }

    @Test func `the published cases hold`() throws {
        let vectors = try ValidationVectors.published()
        let chain = try DevelopmentChain()
        #expect(vectors.validator_set == chain.set.scaleBytes.hex)
        for item in vectors.cases {
            var node = try VectorNode(chain, set: SetID(item.set_id))
            for (number, step) in item.steps.enumerated() {
                if number == item.steps.count - 1 {
                    #expect(node.state == item.state, "\(item.name)")
                }
                let digits = try step.message.map { try #require(vectors.messages[$0]) }
                let bytes = try digits.map { try #require([UInt8](hex: $0)) }
                let taken = try node.take(step, message: bytes)
                #expect(taken == step, "\(item.name), step \(number)")
            }
        }
    }

    @Test func `every step, kind, reason and offence has a case`() throws {
        let vectors = try ValidationVectors.published()
        let rows = Set(vectors.cases.map(\.row))
        for row in 1...15 { #expect(rows.contains("\(row)"), "step \(row)") }
        let kinds = [
            "QuorumCertificate", "Certificate", "Status", "VoteRequest", "RoundRequest",
            "CertificateRequest", "handshake", "stream",
        ]
        for kind in kinds { #expect(rows.contains(kind), "\(kind)") }
        let outcomes = Set(vectors.cases.flatMap { $0.steps.flatMap { $0.outcomes.keys } })
        for reason in IgnoreReason.allCases {
            #expect(
                outcomes.contains("ignore \(reason.rawValue)")
                    != Self.unreachable.contains(reason), "\(reason)")
        }
        for offence in Offence.allCases {
            #expect(outcomes.contains("reject \(offence.rawValue)"), "\(offence)")
        }
        #expect(Set(vectors.cases.map(\.name)).count == vectors.cases.count)
    }
}
