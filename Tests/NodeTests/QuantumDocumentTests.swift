import Node
import Testing

@Suite struct QuantumDocumentTests {
    private func text(_ changes: [String: String?] = [:]) -> [UInt8] {
        var fields: [String: String] = [
            "measured_at_unix_ms": "1700000000000", "valid_proofs": "12", "rejected_proofs": "1",
            "reporter_count": "4", "average_qber_basis_points": "50",
            "min_qber_basis_points": "40", "max_qber_basis_points": "70",
            "entropy_pool_hash": "\"0x" + String(repeating: "ab", count: 32) + "\"",
        ]
        for (key, value) in changes { fields[key] = value }
        let members = fields.keys.sorted().map { "\"\($0)\": \(fields[$0] ?? "")" }
        return Array("{\(members.joined(separator: ", "))}".utf8)
    }

    @Test func `a complete document is read`() throws {
        let document = try QuantumDocument.parse(text())
        #expect(document.averageQBER == 50)
        #expect(document.measuredAtUnixMilliseconds == 1_700_000_000_000)
    }

    @Test(arguments: [
        "measured_at_unix_ms", "valid_proofs", "rejected_proofs", "reporter_count",
        "average_qber_basis_points", "min_qber_basis_points", "max_qber_basis_points",
        "entropy_pool_hash",
    ])
    func `each field is needed, and a wrong type is named`(field: String) {
        #expect(throws: QuantumDocument.Invalid.malformed("the field \(field) is missing")) {
            try QuantumDocument.parse(text([field: nil]))
        }
        #expect(throws: QuantumDocument.Invalid.self) {
            try QuantumDocument.parse(text([field: "[]"]))
        }
    }

    @Test(arguments: [
        ["average_qber_basis_points": "30"], ["average_qber_basis_points": "80"],
        ["max_qber_basis_points": "10001"], ["entropy_pool_hash": "\"0xab\""],
        ["entropy_pool_hash": "\"" + String(repeating: "ab", count: 32) + "\""],
        ["valid_proofs": "-1"], ["valid_proofs": "4294967296"], ["reporter_count": "1.5"],
    ])
    func `values out of range are refused`(changes: [String: String]) {
        #expect(throws: QuantumDocument.Invalid.self) {
            try QuantumDocument.parse(text(changes.mapValues { $0 }))
        }
    }

    @Test func `no truncation and no oversized document traps`() {
        let whole = text()
        for count in 0..<whole.count {
            #expect(throws: QuantumDocument.Invalid.self) {
                try QuantumDocument.parse(Array(whole[..<count]))
            }
        }
        let large = whole + [UInt8](repeating: 0x20, count: QuantumDocument.maximumByteCount)
        #expect(throws: QuantumDocument.Invalid.tooLarge) { try QuantumDocument.parse(large) }
    }
}
