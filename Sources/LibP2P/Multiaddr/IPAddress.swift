/// An IPv4 address.
public struct IPv4Address: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The address as a number, first octet highest.
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// 127.0.0.1
    public static let loopback = IPv4Address(rawValue: 0x7F00_0001)
    /// 0.0.0.0
    public static let any = IPv4Address(rawValue: 0)

    /// Reads four decimal numbers of 0 to 255 without leading zeros; nil for anything else.
    public init?(_ text: some StringProtocol) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard let octet = UInt8(canonicalDecimal: part) else { return nil }
            value = value << 8 | UInt32(octet)
        }
        rawValue = value
    }

    /// The four octets in network order.
    public var bytes: [UInt8] { rawValue.bigEndianBytes }

    public var description: String { bytes.map { "\($0)" }.joined(separator: ".") }

    public static func < (left: IPv4Address, right: IPv4Address) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// An IPv6 address.
public struct IPv6Address: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The address as a number, first octet highest.
    public let rawValue: UInt128

    public init(rawValue: UInt128) { self.rawValue = rawValue }

    /// ::1
    public static let loopback = IPv6Address(rawValue: 1)
    /// ::
    public static let any = IPv6Address(rawValue: 0)

    /// The sixteen octets in network order.
    public var bytes: [UInt8] { rawValue.bigEndianBytes }

    public static func < (left: IPv6Address, right: IPv6Address) -> Bool {
        left.rawValue < right.rawValue
    }

    /// The eight 16-bit groups.
    private var groups: [UInt16] {
        (0..<8).map { UInt16(truncatingIfNeeded: rawValue >> UInt128(112 - 16 * $0)) }
    }

    /// The canonical text of RFC 5952: lower case, the first longest run of two or more zero groups
    /// as `::`, an IPv4-mapped address with dots.
    public var description: String {
        if rawValue >> 32 == 0xFFFF {
            return "::ffff:\(IPv4Address(rawValue: UInt32(truncatingIfNeeded: rawValue)))"
        }
        let groups = groups
        let run = Self.longestZeroRun(groups)
        let text = { (part: ArraySlice<UInt16>) in
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard run.count >= 2 else { return text(groups[...]) }
        return text(groups[..<run.lowerBound]) + "::" + text(groups[run.upperBound...])
    }

    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int> {
        var longest = 0..<0
        var start = 0
        for (position, group) in groups.enumerated() {
            if group != 0 {
                start = position + 1
            } else if position + 1 - start > longest.count {
                longest = start..<position + 1
            }
        }
        return longest
    }
}

extension IPv6Address {
    /// Reads the forms of RFC 4291: eight groups, one `::` for a run of zero groups, and an IPv4
    /// address for the last two groups; nil for anything else, zones included.
    public init?(_ text: some StringProtocol) {
        let text = Array(text.utf8)
        guard text.count <= 45 else { return nil }
        let colon = UInt8(ascii: ":")
        var gap: Int?
        for position in text.indices.dropLast()
        where text[position] == colon && text[position + 1] == colon {
            guard gap == nil else { return nil }
            gap = position
        }
        guard let gap else {
            guard let groups = Self.groups(text[...], mayEndInIPv4: true), groups.count == 8 else {
                return nil
            }
            self.init(groups: groups)
            return
        }
        guard let head = Self.groups(text[..<gap], mayEndInIPv4: false),
            let tail = Self.groups(text[(gap + 2)...], mayEndInIPv4: true),
            head.count + tail.count <= 7
        else { return nil }
        let zeros = repeatElement(UInt16(0), count: 8 - head.count - tail.count)
        self.init(groups: head + zeros + tail)
    }

    private init(groups: [UInt16]) {
        rawValue = groups.reduce(0) { $0 << 16 | UInt128($1) }
    }

    /// The groups between colons; an empty text has none.
    private static func groups(_ text: ArraySlice<UInt8>, mayEndInIPv4: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (position, part) in parts.enumerated() {
            if mayEndInIPv4, position == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let last = IPv4Address(String(decoding: part, as: UTF8.self)) else {
                    return nil
                }
                groups.append(UInt16(last.rawValue >> 16))
                groups.append(UInt16(truncatingIfNeeded: last.rawValue))
                continue
            }
            guard let group = UInt16(hexadecimalGroup: part) else { return nil }
            groups.append(group)
        }
        return groups
    }
}

extension FixedWidthInteger where Self: UnsignedInteger {
    /// Reads a decimal number without sign, spaces and leading zeros; nil when it does not fit.
    init?(canonicalDecimal digits: some Collection<UInt8>) {
        guard let first = digits.first, digits.count == 1 || first != UInt8(ascii: "0") else {
            return nil
        }
        var value: Self = 0
        for digit in digits {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
            let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = scaled.addingReportingOverflow(Self(digit - UInt8(ascii: "0")))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        self = value
    }

    /// The bytes in network order.
    var bigEndianBytes: [UInt8] {
        withUnsafeBytes(of: bigEndian) { Array($0) }
    }

    /// Reads exactly as many bytes as the type has, in network order.
    init?(bigEndianBytes bytes: some Collection<UInt8>) {
        guard bytes.count == Self.bitWidth / 8 else { return nil }
        var value: Self = 0
        for byte in bytes { value = value << 8 | Self(byte) }
        self = value
    }
}

extension UInt16 {
    /// Reads one to four hexadecimal digits of either case.
    fileprivate init?(hexadecimalGroup digits: some Collection<UInt8>) {
        guard (1...4).contains(digits.count) else { return nil }
        var value: UInt16 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                value = value << 4 | UInt16(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
                value = value << 4 | UInt16(digit | 0x20 - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        self = value
    }
}
