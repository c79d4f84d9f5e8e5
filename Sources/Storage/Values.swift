internal import Foundation
internal import Primitives
internal import SCALE

extension Data {
    init(_ hash: Hash256) { self.init(hash.bytes) }
}

extension Hash256 {
    /// A hash from a column.
    init(column: Data) throws {
        guard let hash = Hash256(column) else { throw UnexpectedForm() }
        self = hash
    }
}

extension SCALEDecodable {
    /// A value from a column that holds its encoding.
    init(column: Data) throws {
        self = try SCALEDecoder.decode(Self.self, from: [UInt8](column))
    }
}

/// A column that does not hold what it should.
struct UnexpectedForm: Error {}

/// SQLite's integers end at 2^63 - 1. Sets are counted from 0 and rounds are below 2^63, so only
/// an error of this program can exceed it.
func column(_ value: UInt64) throws -> Int64 {
    guard let column = Int64(exactly: value) else {
        throw StorageError.contradiction(reason: "\(value) cannot be stored")
    }
    return column
}
