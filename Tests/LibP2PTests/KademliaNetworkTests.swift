import LibP2P
import Primitives
import Testing

/// A network of machines without sockets: requests arrive in order and at once, connections prove
/// names, and the dead do not answer.
private struct KademliaNetwork {
    var machines: [Kademlia]
    var isDead: [Bool]
    /// Who answers with peers that nobody has ever heard of.
    var isLiar: [Bool]
    var now = Instant.zero
    private(set) var requestCount = 0
    private var found: [KademliaPeer]?
    private var queue: [(machine: Int, effect: Kademlia.Effect)] = []
    private var nextRequest: UInt64 = 0
    private var generator: SeededGenerator

    init(count: Int, seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        isDead = Array(repeating: false, count: count)
        isLiar = isDead
        machines = (0..<count).map {
            Kademlia(localPeer: Kad.peer($0), seed: seed << 16 | UInt64($0))
        }
    }

    /// Every node knows one that came before it.
    mutating func join() {
        for machine in machines.indices {
            if machine > 0 {
                let bootnode = Int.random(in: 0..<machine, using: &generator)
                give(machine, .bootnode(Kad.peer(bootnode), [Kad.address(bootnode)]))
            }
            give(machine, .start)
            run()
        }
    }

    /// Lets so much time pass, second by second.
    mutating func pass(seconds: Int) {
        for _ in 0..<seconds {
            now = now + .seconds(1)
            for machine in machines.indices where !isDead[machine] { give(machine, .timer) }
            run()
        }
    }

    mutating func search(from machine: Int, for target: [UInt8]) -> [KademliaPeer] {
        found = nil
        give(machine, .search(KademliaSearchID(1), target: target))
        run()
        // Those that never answer are waited for.
        while found == nil { pass(seconds: 1) }
        return found ?? []
    }

    private mutating func give(_ machine: Int, _ input: Kademlia.Input) {
        queue += machines[machine].handle(input, now: now).map { (machine: machine, effect: $0) }
    }

    private mutating func run() {
        while !queue.isEmpty {
            let batch = queue
            queue = []
            for (machine, effect) in batch { perform(effect, of: machine) }
        }
    }

    private mutating func perform(_ effect: Kademlia.Effect, of machine: Int) {
        switch effect {
        case .ask(let request, let peer, _, let bytes): ask(request, of: peer, by: machine, bytes)
        case .found(_, let peers): found = peers
        case .refuseSearch: found = []
        case .answer, .refuse, .heardOf, .misbehaved, .setTimer: break
        }
    }

    private mutating func ask(
        _ request: KademliaRequestID, of peer: PeerID, by asker: Int, _ bytes: [UInt8]
    ) {
        requestCount += 1
        let number = Int(peer.bytes[2]) << 8 | Int(peer.bytes[3])
        // The dead are noticed by time alone.
        if number < machines.count, isDead[number] { return }
        guard number < machines.count else { return give(asker, .failed(request)) }
        give(asker, identified(number))
        give(number, identified(asker))
        let connection = Kad.address(number)
        guard !isLiar[number] else {
            let lies = (0..<20).map { _ in Int.random(in: 30_000..<60_000, using: &generator) }
            let answer = KademliaMessage(.findNode, closerPeers: Kad.closer(lies)).protobuf
            return give(asker, .answered(request, connection: connection, answer))
        }
        nextRequest += 1
        let effects = machines[number].handle(
            .request(
                .inbound(nextRequest), Kad.peer(asker), connection: Kad.address(asker), bytes),
            now: now)
        for effect in effects {
            switch effect {
            case .answer(_, let answer):
                give(asker, .answered(request, connection: connection, answer))
            case .refuse: give(asker, .failed(request))
            default: queue.append((number, effect))
            }
        }
    }

    private func identified(_ number: Int) -> Kademlia.Input {
        .identified(
            Kad.peer(number), addresses: [Kad.address(number)], speaksProtocol: true,
            connection: Kad.address(number))
    }
}

@Suite("Kademlia: networks")
struct KademliaNetworkTests {
    private static let count = 300

    private func closest(_ count: Int, to target: [UInt8], of numbers: [Int]) -> [PeerID] {
        let key = KademliaKey(of: target)
        return numbers.map { (number: $0, distance: KademliaKey(Kad.peer($0)).distance(to: key)) }
            .sorted { $0.distance < $1.distance }.prefix(count).map { Kad.peer($0.number) }
    }

    @Test("Three hundred nodes that knew one each find each other", arguments: 1...3)
    func find(seed: UInt64) {
        var network = KademliaNetwork(count: Self.count, seed: seed)
        network.join()
        network.pass(seconds: 10)
        var generator = SeededGenerator(seed: seed)
        let everybody = Array(0..<Self.count)
        for _ in 0..<40 {
            let (from, to) = (
                Int.random(in: everybody.indices, using: &generator),
                Int.random(in: everybody.indices, using: &generator)
            )
            guard from != to else { continue }
            let before = network.requestCount
            let found = network.search(from: from, for: Kad.peer(to).bytes)
            #expect(found.first?.id == Kad.peer(to), "seed \(seed): \(from) looks for \(to)")
            #expect(found.first?.addresses == [Kad.address(to)], "seed \(seed)")
            #expect(network.requestCount - before < 60, "seed \(seed)")
            // What is found is what is closest; the searcher leaves itself out.
            let expected = closest(20, to: Kad.peer(to).bytes, of: everybody.filter { $0 != from })
            #expect(Set(found.map(\.id)).intersection(expected).count >= 18, "seed \(seed)")
        }
    }

    @Test("A fifth is dead and a tenth lies: the others still find each other", arguments: 1...2)
    func trouble(seed: UInt64) {
        var network = KademliaNetwork(count: Self.count, seed: seed)
        network.join()
        network.pass(seconds: 10)
        var generator = SeededGenerator(seed: seed + 100)
        for number in 0..<Self.count {
            let fate = Int.random(in: 0..<10, using: &generator)
            network.isDead[number] = fate < 2
            network.isLiar[number] = fate == 2
        }
        let honest = (0..<Self.count).filter { !network.isDead[$0] && !network.isLiar[$0] }
        var missed = 0
        for _ in 0..<20 {
            guard let from = honest.randomElement(using: &generator),
                let to = honest.randomElement(using: &generator), from != to
            else { continue }
            let found = network.search(from: from, for: Kad.peer(to).bytes)
            if found.first?.id != Kad.peer(to) { missed += 1 }
            // Nobody is found who does not exist or is dead.
            #expect(
                found.allSatisfy { peer in
                    let number = Int(peer.id.bytes[2]) << 8 | Int(peer.id.bytes[3])
                    return number < Self.count && !network.isDead[number]
                }, "seed \(seed)")
        }
        #expect(missed <= 1, "seed \(seed)")
    }
}
