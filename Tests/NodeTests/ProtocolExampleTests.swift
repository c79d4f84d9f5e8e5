import Foundation
import Node
import Testing

/// The recorded certificates of docs/protocol.md, "Verifying a certificate elsewhere".
@Suite struct ProtocolExampleTests {
    /// The proof in a recorded file, as JSON text.
    private func proof(_ chain: String) throws -> String {
        let url = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Vectors/protocol/certificate-\(chain).json").standardized
        let file = try JSONSerialization.jsonObject(with: try Data(contentsOf: url))
        let object = try #require(file as? [String: Any])
        let proof = try #require(object["proof"] as? [String: Any])
        return String(
            decoding: try JSONSerialization.data(withJSONObject: proof), as: UTF8.self)
    }

    @Test(arguments: ["dev", "local"])
    func `a recorded certificate is valid on its chain`(chain: String) throws {
        let report = try CertificateVerification(chain: chain, text: try proof(chain)).report()
        #expect(report.contains("VALID: block #2"))
    }

    @Test func `a recorded certificate is invalid on another chain`() throws {
        let text = try proof("local")
        #expect(throws: CertificateVerification.Invalid.self) {
            try CertificateVerification(chain: "dev", text: text).report()
        }
    }
}
