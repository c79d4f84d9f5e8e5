import Foundation

/// Test data beside the package's sources.
enum Vectors {
    static let directory = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Vectors/falcon")

    static func contents(_ name: String) throws -> Data {
        try Data(contentsOf: directory.appending(path: name))
    }
}

enum Hex {
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Upper-case digits.
    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var characters: [UInt8] = []
        for byte in bytes {
            characters.append(digits[Int(byte >> 4)])
            characters.append(digits[Int(byte & 15)])
        }
        return String(decoding: characters, as: UTF8.self)
    }

    /// Digits of either case; a text that is not hexadecimal is a broken test.
    static func decode(_ text: some StringProtocol) -> [UInt8] {
        let values = text.utf8.map { digit -> UInt8 in
            switch digit {
            case 0x30...0x39: digit - 0x30
            case 0x41...0x46: digit - 0x41 + 10
            case 0x61...0x66: digit - 0x61 + 10
            default: preconditionFailure("not a hexadecimal digit: \(digit)")
            }
        }
        precondition(values.count % 2 == 0, "an odd number of digits")
        return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
    }
}
