import BlockSync
import Chain
import Node
import Primitives
import Testing
import Validator

/// What blocks of others tell of this node's clock: transcripts with slots of a second and four
/// validators.
@Suite struct ClockWatchTests {
    private var watch: ClockWatch
    private var now = Instant(nanoseconds: 1_000_000_000)
    /// The time of day by the right clock, in milliseconds.
    private var time: UInt64 = 1_800_000_000_000
    /// How far the node's clock is ahead, in milliseconds.
    private var offset: Int64 = 0
    private var notices: [ClockWatch.Notice] = []

    init() throws {
        watch = ClockWatch(
            constants: try ChainConstants(
                specVersion: 1, chainID: "test", slotDurationMilliseconds: 1_000,
                policy: .twoThirds, sessionLength: 0))
    }

    private var unixMilliseconds: UInt64 { UInt64(Int64(time) + offset) }

    private mutating func pass(milliseconds: Int64) {
        time += UInt64(milliseconds)
        now = now + .milliseconds(milliseconds)
    }

    private mutating func note(_ event: ValidatorEvent) {
        let notice = watch.note(
            event, validators: 4, now: now, unixMilliseconds: unixMilliseconds)
        if let notice { notices.append(notice) }
    }

    /// The block of a slot arrives.
    private mutating func imports(slot: UInt64, by author: UInt8? = nil, isOwn: Bool = false) throws
    {
        let header = Header(
            parentHash: .zero, number: BlockNumber(1), stateRoot: .zero, extrinsicsRoot: .zero,
            digest: HandOff.digest(slot: SlotNumber(slot), announcing: nil))
        let number = author ?? UInt8(slot % 4)
        let account = try #require(AccountID([UInt8](repeating: number, count: 32)))
        note(
            .imported(
                Block(header: header, extrinsics: []), author: account, isBest: true, isOwn: isOwn))
    }

    /// Slots go by, each with its block 100 ms after its start; those of validator 0 are ours.
    private mutating func pass(slots: Int, delay: (UInt64) -> Int64 = { _ in 100 }) throws {
        for _ in 0..<slots {
            let slot = time / 1_000
            let wait = delay(slot % 4)
            pass(milliseconds: wait)
            try imports(slot: slot, isOwn: slot % 4 == 0)
            pass(milliseconds: 1_000 - wait)
        }
    }

    private mutating func announces(peer: UInt64) {
        let block = BlockRef(hash: .zero, number: BlockNumber(1))
        note(.sync(.farAhead(block, SlotNumber(time / 1_000), PeerHandle(peer))))
    }

    @Test mutating func `nothing is told while the clocks agree`() throws {
        try pass(slots: 20)
        #expect(notices == [] && watch.skewMilliseconds == nil)
    }

    @Test
    mutating func `a clock that is ahead is told of once a minute, and when it is right again`()
        throws
    {
        try pass(slots: 8)
        offset = 300_000
        try pass(slots: 4)
        #expect(notices == [.wrong(milliseconds: 300_100)])
        #expect(watch.skewMilliseconds == 300_100)
        try pass(slots: 70)
        #expect(notices.count == 2)
        offset = 0
        try pass(slots: 4)
        #expect(notices.count == 3 && notices.last == .right)
        #expect(watch.skewMilliseconds == nil)
    }

    @Test mutating func `old blocks that are fetched say nothing`() throws {
        for slot in 0..<UInt64(200) {
            pass(milliseconds: 5)
            try imports(slot: time / 1_000 - 500 + slot)
        }
        #expect(notices == [])
    }

    @Test mutating func `one author of four that holds its blocks back feigns nothing`() throws {
        for _ in 0..<10 {
            try pass(slots: 8)
            let slot = time / 1_000
            pass(milliseconds: 4_000)
            try imports(slot: slot, by: 1)
            #expect(notices == [])
        }
    }

    @Test mutating func `a clock that was set back is told of, and when it is right again`() throws
    {
        try pass(slots: 8)
        offset = -300_000
        for _ in 0..<4 {
            for peer in UInt64(1)...3 { announces(peer: peer) }
            pass(milliseconds: 1_000)
        }
        #expect(notices == [.wrong(milliseconds: -300_000)])
        #expect(watch.skewMilliseconds == -300_000)
        offset = 0
        try pass(slots: 8)
        #expect(notices.last == .right && watch.skewMilliseconds == nil)
    }

    @Test mutating func `announcements of slots to come feign nothing while blocks come in time`()
        throws
    {
        for _ in 0..<20 {
            try pass(slots: 1)
            let block = BlockRef(hash: .zero, number: BlockNumber(1))
            note(.sync(.farAhead(block, SlotNumber(time / 1_000 + 300), PeerHandle(7))))
        }
        #expect(notices == [] && watch.skewMilliseconds == nil)
    }
}
