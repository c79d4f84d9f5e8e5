internal import CSodium

/// BLAKE2b with a 64-byte output and no key (RFC 7693): the checksum of SS58 addresses.
public enum BLAKE2b512 {
    /// The hash of one byte string, 64 bytes.
    public static func hash(_ bytes: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: 64)
        let status = crypto_generichash_blake2b(
            &output, output.count, bytes, UInt64(bytes.count), nil, 0)
        precondition(status == 0, "64 bytes is a valid BLAKE2b output length")
        return output
    }
}
