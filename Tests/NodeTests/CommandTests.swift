import Foundation
import Node
import Testing

@Suite struct CommandTests {
    @Test func `the built-in specifications and generated ones are valid and deterministic`() throws
    {
        let local = try SpecificationBuilder(chain: "local").json()
        #expect(local == (try SpecificationBuilder(chain: "local").json()))
        #expect(local.contains("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"))
        let seven = try SpecificationBuilder(
            chain: "local", validatorCount: 7, slotDurationMilliseconds: 1_000
        ).json()
        #expect(seven.contains("moreThanTwoThirds"))
        #expect(seven.contains("\"V7\""))
        #expect(seven.contains("\"slotDurationMilliseconds\" : 1000"))
    }

    @Test func `options that make no chain are refused with the field's name`() {
        for builder in [
            SpecificationBuilder(chain: "local", slotDurationMilliseconds: 1),
            SpecificationBuilder(chain: "local", supermajority: "half"),
            SpecificationBuilder(chain: "local", id: "../etc"),
            SpecificationBuilder(chain: "local", id: ""),
            SpecificationBuilder(chain: "local", kind: "mainnet"),
            SpecificationBuilder(chain: "local", roundTimeoutMilliseconds: 0),
        ] {
            #expect {
                try builder.json()
            } throws: { "\($0)".contains("field") }
        }
    }

    @Test(arguments: ["", "zz", "{}", "[1]", "{\"certificate\": 3}", "{\"result\": {}}"])
    func `an input without a certificate is refused`(text: String) {
        #expect(throws: CertificateVerification.Invalid.noCertificate) {
            try CertificateVerification(chain: "dev", text: text).report()
        }
    }

    @Test(arguments: ["00", "0x01ff", "{\"certificate\": \"0x01\"}"])
    func `a certificate that does not decode is refused`(text: String) {
        #expect {
            try CertificateVerification(chain: "dev", text: text).report()
        } throws: { "\($0)".contains("cannot be decoded") }
    }

    @Test func `node keys have the peer ids that the field's tools show`() throws {
        let digits = String(repeating: "0", count: 63) + "1"
        #expect(
            try NodeKeyFile.peerID(ofDigits: digits + "\n")
                == "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp")
        for wrong in ["", "12", String(repeating: "g", count: 64)] {
            #expect(throws: NodeKeyFile.Invalid.notAKey) { try NodeKeyFile.peerID(ofDigits: wrong) }
        }
    }

    @Test func `a generated node key file is private and never overwritten`() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let key = try NodeKeyFile.generate(to: path)
        #expect(key.digits == nil)
        let digits = try String(contentsOfFile: path, encoding: .utf8)
        #expect(try NodeKeyFile.peerID(ofDigits: digits) == key.peerID)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(throws: NodeKeyFile.Invalid.exists(path: path)) {
            try NodeKeyFile.generate(to: path)
        }
    }
}
