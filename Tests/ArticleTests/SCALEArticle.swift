import SCALE
import Testing

struct Transfer: SCALEEncodable, SCALEDecodable, Equatable {
    var recipient: String
    var amount: UInt128
    var isUrgent: Bool

    func encode(to encoder: inout SCALEEncoder) {
        encoder.append(recipient)
        encoder.appendCompact(amount)
        encoder.append(isUrgent)
    }

    init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        recipient = try decoder.readString(limit: 64)
        amount = try decoder.readCompact()
        isUrgent = try decoder.readBool()
    }

    init(recipient: String, amount: UInt128, isUrgent: Bool) {
        self.recipient = recipient
        self.amount = amount
        self.isUrgent = isUrgent
    }
}

@Suite("The article on SCALE")
struct SCALEArticle {
    @Test("a type of one's own goes both ways")
    func roundTrip() throws {
        let transfer = Transfer(recipient: "Bob", amount: 1_000, isUrgent: true)
        let bytes = transfer.scaleBytes
        // A count of 3 and the text; 1000 in two bytes; true.
        #expect(bytes == [0x0C, 0x42, 0x6F, 0x62, 0xA1, 0x0F, 0x01])
        #expect(try SCALEDecoder.decode(Transfer.self, from: bytes) == transfer)
    }

    @Test("bytes from outside are refused with the place of the fault")
    func refusals() throws {
        let good = Transfer(recipient: "Bob", amount: 1_000, isUrgent: true).scaleBytes
        #expect(throws: SCALEError.trailingBytes(count: 1)) {
            try SCALEDecoder.decode(Transfer.self, from: good + [0])
        }
        #expect(throws: SCALEError.invalidBool(offset: 6, byte: 2)) {
            try SCALEDecoder.decode(Transfer.self, from: good.dropLast() + [2])
        }
        for count in 0..<good.count {
            #expect(throws: SCALEError.self) {
                try SCALEDecoder.decode(Transfer.self, from: Array(good.prefix(count)))
            }
        }
    }
}
