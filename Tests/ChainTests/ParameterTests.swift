import Chain
import Primitives
import SCALE
import Testing

struct ParameterTests {
    @Test func `rounds grow by one half up to 30 seconds`() {
        let timings = VotingTimings.standard
        let expected: [Duration] = [
            .milliseconds(500), .milliseconds(750), .milliseconds(1_125), .microseconds(1_687_500),
        ]
        #expect((0..<4).map { timings.roundDuration(failedRounds: $0) } == expected)
        #expect(timings.roundDuration(failedRounds: 10) < .seconds(30))
        #expect(timings.roundDuration(failedRounds: 11) == .seconds(30))
        #expect(timings.roundDuration(failedRounds: .max) == .seconds(30))
    }

    @Test func `timings without growth stay as they are`() throws {
        let flat = try #require(
            VotingTimings(
                baseMilliseconds: 100, growthNumerator: 7, growthDenominator: 7,
                maximumMilliseconds: 200))
        #expect(flat.roundDuration(failedRounds: .max) == .milliseconds(100))
        #expect(try SCALEDecoder.decode(VotingTimings.self, from: flat.scaleBytes) == flat)
    }

    @Test(
        "timings that cannot be are refused",
        arguments: [
            [0, 3, 2, 30_000], [501, 3, 2, 500], [500, 1, 2, 30_000], [500, 3, 0, 30_000],
            [500, 1_000, 999, 30_000],
        ] as [[UInt32]])
    func refused(numbers: [UInt32]) {
        #expect(
            VotingTimings(
                baseMilliseconds: numbers[0], growthNumerator: numbers[1],
                growthDenominator: numbers[2], maximumMilliseconds: numbers[3]) == nil)
        let bytes = numbers.flatMap(\.scaleBytes)
        #expect(throws: SCALEError.self) {
            try SCALEDecoder.decode(VotingTimings.self, from: bytes)
        }
    }

    @Test func `slots divide Unix time`() throws {
        let constants = try TestChain().constants
        #expect(constants.slot(atUnixMilliseconds: 0) == SlotNumber(0))
        #expect(constants.slot(atUnixMilliseconds: 11_999) == SlotNumber(1))
        #expect(constants.slot(atUnixMilliseconds: 12_000) == SlotNumber(2))
        #expect(constants.unixMillisecondsOfStart(of: SlotNumber(2)) == 12_000)
        #expect(constants.unixMillisecondsOfStart(of: SlotNumber(.max)) == .max)
    }

    @Test func `a slot has begun, is next or lies far ahead`() {
        let current = SlotNumber(10)
        #expect(SlotNumber(0).timing(at: current) == .begun)
        #expect(SlotNumber(10).timing(at: current) == .begun)
        #expect(SlotNumber(11).timing(at: current) == .next)
        #expect(SlotNumber(12).timing(at: current) == .farAhead)
        #expect(SlotNumber(.max).timing(at: SlotNumber(0)) == .farAhead)
    }

    @Test func `authors take turns by slot`() throws {
        let set = try TestChain(validatorCount: 3).state.setInForce
        let authors = (0..<7).map { set.author(of: SlotNumber($0)).rawValue }
        #expect(authors == [0, 1, 2, 0, 1, 2, 0])
        #expect(set.author(of: SlotNumber(.max)).rawValue == UInt16(UInt64.max % 3))
    }

    @Test func `constants go both ways and every truncation is refused`() throws {
        let constants = try ChainConstants(
            specVersion: 7, chainID: "live", forkID: "other", slotDurationMilliseconds: 250,
            policy: .moreThanTwoThirds, sessionLength: 77, excludesEquivocators: false)
        let bytes = constants.scaleBytes
        #expect(try SCALEDecoder.decode(ChainConstants.self, from: bytes) == constants)
        for count in 0..<bytes.count {
            #expect(throws: SCALEError.self) {
                try SCALEDecoder.decode(ChainConstants.self, from: Array(bytes.prefix(count)))
            }
        }
    }

    @Test func `constants that cannot be are refused`() {
        func form(
            _ chainID: String, _ forkID: String?, _ slot: UInt64
        ) throws -> ChainConstants {
            try ChainConstants(
                specVersion: 1, chainID: chainID, forkID: forkID, slotDurationMilliseconds: slot,
                policy: .twoThirds)
        }
        let long = String(repeating: "x", count: 65)
        #expect(throws: ChainConstants.Invalid.chainID) { try form("", nil, 1) }
        #expect(throws: ChainConstants.Invalid.chainID) { try form(long, nil, 1) }
        #expect(throws: ChainConstants.Invalid.forkID) { try form("a", "", 1) }
        #expect(throws: ChainConstants.Invalid.forkID) { try form("a", long, 1) }
        #expect(throws: ChainConstants.Invalid.slotDuration(milliseconds: 0)) {
            try form("a", nil, 0)
        }
        #expect(throws: ChainConstants.Invalid.slotDuration(milliseconds: 86_400_001)) {
            try form("a", nil, 86_400_001)
        }
    }

    @Test func `parameters show the constants they hold`() throws {
        let parameters = try ChainParameters(
            specVersion: 3, chainID: "dev", forkID: "f", slotDurationMilliseconds: 1_000,
            policy: .twoThirds, sessionLength: 9, kind: .development)
        #expect(parameters.specVersion == 3 && parameters.chainID == "dev")
        #expect(parameters.forkID == "f" && parameters.slotDurationMilliseconds == 1_000)
        #expect(parameters.policy == .twoThirds && parameters.votingTimings == .standard)
        #expect(parameters.sessionLength == 9 && parameters.excludesEquivocators)
        #expect(parameters.treeLimits == .standard)
        let made = try ChainState.genesis(parameters: parameters, validators: [validator(1)])
        #expect(made.state.constants == parameters.constants)
    }
}
