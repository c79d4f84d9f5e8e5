/// Why bytes are no RPC.
public enum GossipRPCError: Error, Sendable, Equatable {
    /// Not a protobuf message of this kind.
    case malformed
    /// Longer than a frame may be.
    case tooLong(byteCount: Int, limit: Int)
}

private enum Field {
    enum RPC { static let (subscriptions, publish, control): (UInt64, UInt64, UInt64) = (1, 2, 3) }
    enum Subscription { static let (subscribe, topic): (UInt64, UInt64) = (1, 2) }
    enum Message {
        static let (from, data, seqno): (UInt64, UInt64, UInt64) = (1, 2, 3)
        static let (topic, signature, key): (UInt64, UInt64, UInt64) = (4, 5, 6)
    }
    enum Control {
        static let (ihave, iwant, graft): (UInt64, UInt64, UInt64) = (1, 2, 3)
        static let (prune, idontwant): (UInt64, UInt64) = (4, 5)
    }
    enum Have { static let (topic, messages): (UInt64, UInt64) = (1, 2) }
    /// IWANT and IDONTWANT.
    enum Names { static let messages: UInt64 = 1 }
    enum Graft { static let topic: UInt64 = 1 }
    enum Prune { static let (topic, peers, backoff): (UInt64, UInt64, UInt64) = (1, 2, 3) }
    enum PeerInfo { static let peerID: UInt64 = 1 }
}

// MARK: - Writing

extension PubSubMessage {
    /// The serialised message, its fields in the order of their numbers.
    public var protobuf: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(footprint + 16)
        if let author { bytes.appendProtobufField(Field.Message.from, author) }
        if let data { bytes.appendProtobufField(Field.Message.data, data) }
        if let sequenceNumber { bytes.appendProtobufField(Field.Message.seqno, sequenceNumber) }
        bytes.appendProtobufField(Field.Message.topic, Array(topic.utf8))
        if let signature { bytes.appendProtobufField(Field.Message.signature, signature) }
        if let key { bytes.appendProtobufField(Field.Message.key, key) }
        return bytes
    }
}

extension GossipRPC {
    /// The serialised RPC.
    public var protobuf: [UInt8] {
        var bytes: [UInt8] = []
        for subscription in subscriptions {
            var entry: [UInt8] = []
            entry.appendProtobufField(
                Field.Subscription.subscribe, integer: subscription.isSubscribed ? 1 : 0)
            entry.appendProtobufField(Field.Subscription.topic, Array(subscription.topic.utf8))
            bytes.appendProtobufField(Field.RPC.subscriptions, entry)
        }
        for message in messages { bytes.appendProtobufField(Field.RPC.publish, message.protobuf) }
        let control = controlProtobuf
        if !control.isEmpty { bytes.appendProtobufField(Field.RPC.control, control) }
        return bytes
    }

    /// The RPC as it is written to a stream: length, then protobuf.
    public var framed: [UInt8] {
        var output: [UInt8] = []
        UnsignedVarint.appendLengthPrefixed(protobuf, to: &output)
        return output
    }

    private var controlProtobuf: [UInt8] {
        var bytes: [UInt8] = []
        for advertisement in advertisements {
            var entry: [UInt8] = []
            entry.appendProtobufField(Field.Have.topic, Array(advertisement.topic.utf8))
            for id in advertisement.messages {
                entry.appendProtobufField(Field.Have.messages, id.bytes)
            }
            bytes.appendProtobufField(Field.Control.ihave, entry)
        }
        if !wanted.isEmpty { bytes.appendProtobufField(Field.Control.iwant, names(wanted)) }
        for topic in grafts {
            var entry: [UInt8] = []
            entry.appendProtobufField(Field.Graft.topic, Array(topic.utf8))
            bytes.appendProtobufField(Field.Control.graft, entry)
        }
        for prune in prunes { bytes.appendProtobufField(Field.Control.prune, prune.protobuf) }
        if !unwanted.isEmpty { bytes.appendProtobufField(Field.Control.idontwant, names(unwanted)) }
        return bytes
    }

    private func names(_ ids: [MessageID]) -> [UInt8] {
        var entry: [UInt8] = []
        for id in ids { entry.appendProtobufField(Field.Names.messages, id.bytes) }
        return entry
    }
}

extension GossipRPC.Prune {
    fileprivate var protobuf: [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendProtobufField(Field.Prune.topic, Array(topic.utf8))
        for peer in peers {
            var entry: [UInt8] = []
            entry.appendProtobufField(Field.PeerInfo.peerID, peer.bytes)
            bytes.appendProtobufField(Field.Prune.peers, entry)
        }
        if let backoffSeconds {
            bytes.appendProtobufField(
                Field.Prune.backoff, integer: min(backoffSeconds, UnsignedVarint.maximumValue))
        }
        return bytes
    }
}

// MARK: - Reading

extension GossipRPC {
    /// Reads a serialised RPC; unknown fields are skipped, and so is what exceeds `limits`.
    public init(
        protobuf bytes: [UInt8], limits: GossipRPCLimits = GossipRPCLimits()
    ) throws(GossipRPCError) {
        guard bytes.count <= limits.maximumByteCount else {
            throw .tooLong(byteCount: bytes.count, limit: limits.maximumByteCount)
        }
        self.init()
        var parser = RPCParser(limits: limits)
        do {
            try parser.read(bytes[...])
        } catch {
            throw .malformed
        }
        self = parser.rpc
    }
}

/// Reads an RPC part by part, and counts what it passes over.
private struct RPCParser {
    typealias Malformed = ProtobufFieldReader.Malformed
    typealias Slice = ArraySlice<UInt8>

    let limits: GossipRPCLimits
    var rpc = GossipRPC()

    init(limits: GossipRPCLimits) { self.limits = limits }

    mutating func read(_ bytes: Slice) throws(Malformed) {
        var reader = ProtobufFieldReader(bytes)
        while let field = try reader.next() {
            guard let content = field.content else { continue }
            switch field.number {
            case Field.RPC.subscriptions:
                guard admit(rpc.subscriptions.count < limits.maximumSubscriptions) else { continue }
                try readSubscription(content)
            case Field.RPC.publish:
                guard admit(rpc.messages.count < limits.maximumMessages) else { continue }
                try readMessage(content)
            case Field.RPC.control: try readControl(content)
            default: break
            }
        }
    }

    /// Counts what there is no room for.
    private mutating func admit(_ hasRoom: Bool) -> Bool {
        if !hasRoom { rpc.surplusCount += 1 }
        return hasRoom
    }

    /// A topic's name, nil when it is too long.
    private mutating func topic(_ bytes: Slice) throws(Malformed) -> String? {
        guard admit(bytes.count <= limits.maximumTopicByteCount) else { return nil }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Malformed() }
        return text
    }

    private mutating func readSubscription(_ bytes: Slice) throws(Malformed) {
        var reader = ProtobufFieldReader(bytes)
        var isSubscribed = false
        var name: String?
        while let field = try reader.next() {
            switch (field.number, field.integer, field.content) {
            case (Field.Subscription.subscribe, let value?, _): isSubscribed = value != 0
            case (Field.Subscription.topic, _, let content?): name = try topic(content)
            default: break
            }
        }
        if let name { rpc.subscriptions.append(.init(name, isSubscribed: isSubscribed)) }
    }

    private mutating func readMessage(_ bytes: Slice) throws(Malformed) {
        var reader = ProtobufFieldReader(bytes)
        var message = PubSubMessage(topic: "", data: nil)
        var isKept = true
        while let field = try reader.next() {
            guard let content = field.content else { continue }
            switch field.number {
            case Field.Message.from: message.author = Array(content)
            case Field.Message.data: message.data = Array(content)
            case Field.Message.seqno: message.sequenceNumber = Array(content)
            case Field.Message.topic:
                if let name = try topic(content) { message.topic = name } else { isKept = false }
            case Field.Message.signature: message.signature = Array(content)
            case Field.Message.key: message.key = Array(content)
            default: break
            }
        }
        if isKept { rpc.messages.append(message) }
    }

    private mutating func readControl(_ bytes: Slice) throws(Malformed) {
        var reader = ProtobufFieldReader(bytes)
        let most = limits.maximumControlEntries
        while let field = try reader.next() {
            guard let content = field.content else { continue }
            switch field.number {
            case Field.Control.ihave:
                guard admit(rpc.advertisements.count < most) else { continue }
                try readAdvertisement(content)
            case Field.Control.iwant: try readNames(content, into: \.wanted)
            case Field.Control.graft:
                guard admit(rpc.grafts.count < most) else { continue }
                if let name = try topic(inGraft: content) { rpc.grafts.append(name) }
            case Field.Control.prune:
                guard admit(rpc.prunes.count < most) else { continue }
                try readPrune(content)
            case Field.Control.idontwant: try readNames(content, into: \.unwanted)
            default: break
            }
        }
    }

    private mutating func topic(inGraft bytes: Slice) throws(Malformed) -> String? {
        var reader = ProtobufFieldReader(bytes)
        var name: String?
        while let field = try reader.next() {
            guard field.number == Field.Graft.topic, let content = field.content else { continue }
            name = try topic(content)
        }
        return name
    }

    private mutating func readAdvertisement(_ bytes: Slice) throws(Malformed) {
        var reader = ProtobufFieldReader(bytes)
        var name: String?
        var ids: [MessageID] = []
        let before = rpc.advertisements.reduce(0) { $0 + $1.messages.count }
        while let field = try reader.next() {
            guard let content = field.content else { continue }
            switch field.number {
            case Field.Have.topic: name = try topic(content)
            case Field.Have.messages:
                let hasRoom = before + ids.count < limits.maximumMessageIDs
                if admit(hasRoom && content.count <= MessageID.maximumByteCount) {
                    ids.append(MessageID(Array(content)))
                }
            default: break
            }
        }
        if let name { rpc.advertisements.append(.init(name, ids)) }
    }

    private mutating func readNames(
        _ bytes: Slice, into list: WritableKeyPath<GossipRPC, [MessageID]>
    ) throws(Malformed) {
        var reader = ProtobufFieldReader(bytes)
        while let field = try reader.next() {
            guard field.number == Field.Names.messages, let content = field.content else {
                continue
            }
            let hasRoom = rpc[keyPath: list].count < limits.maximumMessageIDs
            if admit(hasRoom && content.count <= MessageID.maximumByteCount) {
                rpc[keyPath: list].append(MessageID(Array(content)))
            }
        }
    }

    private mutating func readPrune(_ bytes: Slice) throws(Malformed) {
        var reader = ProtobufFieldReader(bytes)
        var name: String?
        var prune = GossipRPC.Prune("")
        while let field = try reader.next() {
            switch (field.number, field.integer, field.content) {
            case (Field.Prune.topic, _, let content?): name = try topic(content)
            case (Field.Prune.peers, _, let content?):
                guard admit(prune.peers.count < limits.maximumExchangedPeers) else { continue }
                if let peer = try peer(inInfo: content) { prune.peers.append(peer) }
            case (Field.Prune.backoff, let seconds?, _): prune.backoffSeconds = seconds
            default: break
            }
        }
        guard let name else { return }
        prune.topic = name
        rpc.prunes.append(prune)
    }

    private func peer(inInfo bytes: Slice) throws(Malformed) -> PeerID? {
        var reader = ProtobufFieldReader(bytes)
        var peer: PeerID?
        while let field = try reader.next() {
            guard field.number == Field.PeerInfo.peerID, let content = field.content else {
                continue
            }
            peer = try? PeerID(bytes: content)
        }
        return peer
    }
}
