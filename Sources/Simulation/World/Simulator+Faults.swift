internal import Coherence
internal import Primitives

/// A fault that is going on, with what its end has to undo.
struct ActiveFault: Sendable {
    let id: UInt64
    let effect: Effect

    enum Effect: Sendable {
        case blocked([Sender])
        case slowDisk(node: Int)
        case fullDisk(node: Int)
        case slowLink(Int)
        case storm
        case abstention(nodes: [Int])
        case hostility
        case strategy
        case signers(nodes: [Int])
    }

    /// One end of a link.
    struct Sender: Sendable {
        let link: Int
        let end: Int
    }
}

// What goes wrong in the world, and how it is put right again.
extension Simulator {
    // MARK: Drawing

    /// Lets the next fault happen and has another one come.
    mutating func injectFault() {
        heap.push(.fault, at: now + faultRandom.scaledDuration(world.faults.pause))
        guard let index = faultRandom.pick(weights: world.faults.weights),
            let kind = FaultMix.Kind(rawValue: index)
        else { return }
        let length = faultRandom.scaledDuration(world.faults.length)
        statistics.faultCount += 1
        let told = transcript.totalCount
        inject(kind, for: length)
        // What has no effect, such as the crash of a node that is down, is not told.
        if transcript.totalCount > told { statistics.faultsByKind[index] += 1 }
    }

    private mutating func inject(_ kind: FaultMix.Kind, for length: Duration) {
        let node = faultRandom.draw(0...(nodes.count - 1))
        switch kind {
        case .split:
            let group = nodes.indices.filter { _ in faultRandom.chance(permille: 500) }
            let rest = nodes.indices.filter { !group.contains($0) }
            let isOneWay = faultRandom.chance(permille: 250)
            note(.fault("\(group) and \(rest) are split\(isOneWay ? " one way" : "")"))
            block(between: group, and: rest, bothWays: !isOneWay, for: length)
        case .isolation:
            note(.fault("n\(node) is cut off"))
            let rest = nodes.indices.filter { $0 != node }
            block(between: [node], and: rest, bothWays: true, for: length)
        case .oneWay:
            let peer = faultRandom.draw(0...(nodes.count - 1))
            guard node != peer else { return }
            note(.fault("n\(peer) does not hear n\(node)"))
            block(between: [node], and: [peer], bothWays: false, for: length)
        case .reset:
            let peer = faultRandom.draw(0...(nodes.count - 1))
            guard node != peer else { return }
            note(.fault("the connection of n\(node) and n\(peer) breaks"))
            breakConnection(links.index(node, peer), notice: .zero ... .milliseconds(300))
        case .stall:
            let peer = faultRandom.draw(0...(nodes.count - 1))
            guard node != peer else { return }
            note(.fault("what n\(node) sends to n\(peer) is held up"))
            let pause = faultRandom.duration(.milliseconds(50) ... .milliseconds(2_500))
            block(between: [node], and: [peer], bothWays: false, for: pause)
        case .crash: crashForAWhile(node, length)
        case .massCrash:
            let count = faultRandom.draw(2...max(2, nodes.count))
            for victim in nodes.indices.shuffled(using: &faultRandom).prefix(count) {
                crashForAWhile(victim, faultRandom.scaledDuration(world.faults.length))
            }
        default: injectWithin(kind, node, for: length)
        }
    }

    private mutating func injectWithin(
        _ kind: FaultMix.Kind, _ node: Int, for length: Duration
    ) {
        switch kind {
        case .freeze:
            note(.fault("n\(node) stands still"))
            nodes[node].frozenUntil = now + length
        case .slowDisk:
            note(.fault("n\(node)'s disk is slow"))
            nodes[node].diskSlowness = faultRandom.draw(5...60)
            begin(.slowDisk(node: node), for: length)
        case .fullDisk:
            note(.fault("n\(node)'s disk is full"))
            nodes[node].isDiskFull = true
            begin(.fullDisk(node: node), for: length)
        case .slowLink:
            guard links.count > 0 else { return }
            let link = faultRandom.draw(0...(links.count - 1))
            note(.fault("the link of \(links[link].ends) is slow"))
            links[link].slowness = faultRandom.draw(3...40)
            begin(.slowLink(link), for: length)
        case .storm:
            note(.fault("latencies grow"))
            latencyFactor = faultRandom.draw(3...30)
            begin(.storm, for: length)
        case .abstention:
            let some = nodes.indices.filter { _ in faultRandom.chance(permille: 400) }
            note(.fault("the quantum sources of \(some) fail"))
            for node in some { nodes[node].isSourceDown = true }
            begin(.abstention(nodes: some), for: length)
        case .clockJump:
            note(.fault("n\(node)'s wall clock jumps"))
            let skew = world.clockSkew
            nodes[node].clock.wallOffset =
                faultRandom.duration(.zero - skew...skew).clampedNanoseconds
        case .hostility:
            note(.fault("votes are kept from peers"))
            network.hostilityPermille = faultRandom.draw(100...700)
            hostilitySeed = faultRandom.next()
            begin(.hostility, for: length)
        case .strategy:
            // A plan has to be carried through.
            guard network.strategyPermille == 0 else { return }
            note(.fault("somebody decides who hears what"))
            network.strategyPermille = faultRandom.draw(500...1_000)
            strategySeed = faultRandom.next()
            starvedOfBlocks = faultRandom.chance(permille: 700) ? node : nil
            roundsHeard = [:]
            begin(.strategy, for: length)
        case .signers:
            let some = nodes.indices.filter { _ in faultRandom.chance(permille: 700) }
            note(.fault("the signers of \(some) fail"))
            for node in some { nodes[node].isSignerDown = true }
            begin(.signers(nodes: some), for: length)
        default: break
        }
    }

    mutating func crashForAWhile(_ node: Int, _ length: Duration) {
        guard nodes[node].isUp else { return }
        let remains = faultRandom.pick(VirtualDisk.Remains.allCases) ?? .nothing
        crash(node, leaving: remains)
        restart(node, after: length)
    }

    // MARK: Lines

    /// What the first nodes send to the others does not arrive for a while.
    private mutating func block(
        between some: [Int], and others: [Int], bothWays: Bool, for length: Duration
    ) {
        var senders: [ActiveFault.Sender] = []
        for one in some {
            for other in others where one != other {
                let link = links.index(one, other)
                let end = links[link].end(of: one)
                senders.append(ActiveFault.Sender(link: link, end: end))
                if bothWays { senders.append(ActiveFault.Sender(link: link, end: 1 - end)) }
            }
        }
        for sender in senders { block(sender.link, sender.end) }
        begin(.blocked(senders), for: length)
    }

    private mutating func begin(_ effect: ActiveFault.Effect, for length: Duration) {
        nextFaultID += 1
        activeFaults.append(ActiveFault(id: nextFaultID, effect: effect))
        heap.push(.faultEnd(nextFaultID), at: now + length)
    }

    // MARK: Ending

    mutating func endFault(_ id: UInt64) {
        guard let place = activeFaults.firstIndex(where: { $0.id == id }) else { return }
        undo(activeFaults.remove(at: place).effect)
    }

    private mutating func undo(_ effect: ActiveFault.Effect) {
        switch effect {
        case .blocked(let senders):
            for sender in senders { unblock(sender.link, sender.end) }
            note(.fault("lines carry again"))
        case .slowDisk(let node): nodes[node].diskSlowness = 1
        case .fullDisk(let node): nodes[node].isDiskFull = false
        case .slowLink(let link): links[link].slowness = 1
        case .storm: latencyFactor = 1
        case .abstention(let some): for node in some { nodes[node].isSourceDown = false }
        case .hostility: network.hostilityPermille = world.network.hostilityPermille
        case .strategy:
            network.strategyPermille = world.network.strategyPermille
            starvedOfBlocks = nil
        case .signers(let some): for node in some { nodes[node].isSignerDown = false }
        }
    }

    /// Every other time, as many nodes as the quorum can do without stay down while the rest proves
    /// that it is alive: then every one of the rest is needed.
    mutating func chooseSpared() {
        spared = options.tuning.spared ?? drawSpared()
        guard !spared.isEmpty else { return }
        note(.fault("\(spared) stay down"))
        for node in spared {
            crash(node, leaving: .nothing)
            // A return that was planned is off.
            nodes[node].life += 1
        }
    }

    private mutating func drawSpared() -> [Int] {
        if world.sessionLength > 0 { return drawSparedMembers() }
        let spareCount = domain.set.count - domain.set.quorum - world.byzantineCount
        guard spareCount > 0, faultRandom.chance(permille: 500) else { return [] }
        return Array(honest.shuffled(using: &faultRandom).prefix(spareCount)).sorted()
    }

    /// Now and then everybody starts anew when things get well again: what was only heard is
    /// forgotten, what is on disk has to do.
    mutating func blackOut() {
        guard faultRandom.chance(permille: world.blackoutPermille) else { return }
        note(.fault("everybody starts anew"))
        for node in nodes.indices where nodes[node].isUp {
            crash(node, leaving: .nothing)
            restart(node, after: faultRandom.duration(.zero ... .milliseconds(400)))
        }
    }

    /// Puts everything right: from now on the network has to prove that it is alive.
    mutating func heal() {
        phase = .healed
        note(.fault("everything heals"))
        let faults = activeFaults
        activeFaults = []
        for fault in faults { undo(fault.effect) }
        dropRules = []
        starvedOfBlocks = nil
        for link in 0..<links.count {
            links[link].slowness = 1
            for end in 0...1 {
                while links[link].lines[end].isBlocked { unblock(link, end) }
            }
        }
        network = world.network
        network.lossPermille = 0
        network.duplicationPermille = 0
        network.reorderingPermille = 0
        network.hostilityPermille = 0
        network.strategyPermille = 0
        network.retransmissionPermille = min(10, network.retransmissionPermille)
        nodeConditions = world.node
        nodeConditions.slowSigningPermille = 0
        nodeConditions.signingFailurePermille = 0
        latencyFactor = 1
        let tolerance = Int64(world.slotMilliseconds) * 1_000_000 / 4
        for node in nodes.indices {
            nodes[node].frozenUntil = min(nodes[node].frozenUntil, now)
            nodes[node].diskSlowness = 1
            nodes[node].isDiskFull = false
            nodes[node].isSourceDown = false
            nodes[node].isSignerDown = false
            let offset = nodes[node].clock.wallOffset
            nodes[node].clock.wallOffset = max(-tolerance, min(tolerance, offset))
            if !nodes[node].isUp, !spared.contains(node) {
                restart(node, after: faultRandom.duration(.zero ... .milliseconds(500)))
            }
        }
    }

    /// Lets faults happen again.
    mutating func resumeFaults() {
        phase = .faults
        for node in spared where !nodes[node].isUp { restart(node, after: .milliseconds(10)) }
        spared = []
        network = world.network
        nodeConditions = world.node
        note(.fault("faults begin again"))
        heap.push(.fault, at: now + faultRandom.scaledDuration(world.faults.pause))
    }
}
