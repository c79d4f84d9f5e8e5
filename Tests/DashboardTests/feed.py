"""A simulated node: a chain with votes and certificates as the RPC server tells of them.

It serves the dashboard's files by fetching them from the server under test, and JSON-RPC over
WebSocket on the same port. Nothing is signed; everything has the form of the real thing.
"""

import asyncio
import contextlib
import hashlib
import json
import random
import time
import urllib.error
import urllib.request

from websockets.asyncio.server import serve
from websockets.datastructures import Headers
from websockets.http11 import Response

DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
NOTICES = {
    "chain_subscribeNewHeads": "chain_newHead",
    "chain_subscribeAllHeads": "chain_allHead",
    "chain_subscribeFinalizedHeads": "chain_finalizedHead",
    "coherence_subscribeCertificates": "coherence_certificate",
    "coherence_subscribeVotes": "coherence_vote",
}


def blake2b(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def compact(value):
    if value < 1 << 6:
        return bytes([value << 2])
    if value < 1 << 14:
        return (value << 2 | 1).to_bytes(2, "little")
    return (value << 2 | 2).to_bytes(4, "little")


def hexadecimal(data):
    return "0x" + data.hex()


class Block:
    def __init__(self, source, parent, number):
        self.number = number
        self.parent = parent
        self.state_root, self.extrinsics_root = source.randbytes(32), source.randbytes(32)
        slot = b"\x06aura" + compact(8) + number.to_bytes(8, "little")
        seal = b"\x05FALC" + compact(1280) + b"\x3a" + source.randbytes(1279)
        self.logs = [slot, seal]
        self.encoding = (
            parent + compact(number) + self.state_root + self.extrinsics_root
            + compact(len(self.logs)) + b"".join(self.logs))
        self.hash = blake2b(self.encoding)
        self.certificate = None
        self.made = time.time()

    @property
    def header(self):
        return {
            "parentHash": hexadecimal(self.parent), "number": hex(self.number),
            "stateRoot": hexadecimal(self.state_root),
            "extrinsicsRoot": hexadecimal(self.extrinsics_root),
            "digest": {"logs": [hexadecimal(log) for log in self.logs]},
        }


class Feed:
    """The node. Its attributes may be changed while it runs."""

    def __init__(self, pages, validators=4, slot=0.4, seed=1):
        print(f"feed: seed {seed}")
        self.pages = pages
        self.slot = slot
        self.source = random.Random(seed)
        self.accounts = [self.source.randbytes(32) for _ in range(validators)]
        self.keys = [b"\x0a" + self.source.randbytes(1792) for _ in range(validators)]
        self.addresses = ["5" + "".join(self.source.choices(DIGITS, k=47)) for _ in range(validators)]
        # Who votes not at all, late, or twice.
        self.silent, self.late, self.double = set(), set(), set()
        self.is_answering = True
        self.peers = validators - 1
        self.blocks = [Block(self.source, bytes(32), 0)]
        self.final = 0
        self.round = 0
        self.voted = {"prevotes": set(), "precommits": set()}
        self.subscribers = {}
        self.server = self.chain = None
        self.port = 0
        self.calls = set()

    # The chain

    @property
    def count(self):
        return len(self.accounts)

    @property
    def quorum(self):
        return 2 * self.count // 3 + 1

    @property
    def set_hash(self):
        members = b"".join(account + key for account, key in zip(self.accounts, self.keys))
        return blake2b(bytes(8) + compact(self.count) + members + b"\x01")

    def vote(self, block, index, phase, is_late=False):
        average = 40 + 3 * index % 60 + self.source.randrange(20)
        self.notify("coherence_subscribeVotes", {
            "kind": "vote", "own": index == 0, "index": index, "validator": self.addresses[index],
            "voteType": phase, "round": self.round, "setId": 0, "blockHash": hexadecimal(block.hash),
            "blockNumber": block.number, "coherenceScore": 100 * (1100 - average) // 1100,
            "quantumState": {
                "validProofs": 12, "rejectedProofs": 0, "averageQber": average,
                "entropyPoolHash": hexadecimal(bytes(32)), "reporterCount": 3, "minQber": average - 20,
                "maxQber": average + 20},
            "receivedAt": int(1000 * time.time()), "isLate": is_late})

    def certify(self, block, signers):
        entries = b""
        for index in signers:
            average = 50 + index % 7
            state = b"".join(number.to_bytes(4, "little") for number in (12, 0, average)) + bytes(32)
            state += b"".join(number.to_bytes(4, "little") for number in (3, 40, 60))
            score = 100 * (1100 - average) // 1100
            entries += index.to_bytes(2, "little") + score.to_bytes(8, "little") + state
            entries += b"\x3a" + self.source.randbytes(1279)
        return (
            b"\x01" + bytes(8) + self.set_hash + self.round.to_bytes(8, "little") + block.hash
            + block.number.to_bytes(4, "little") + b"\x01" + compact(len(signers)) + entries)

    async def make_blocks(self):
        while True:
            block = Block(self.source, self.blocks[-1].hash, self.blocks[-1].number + 1)
            self.blocks.append(block)
            del self.blocks[:-1000]
            self.notify("chain_subscribeAllHeads", block.header)
            self.notify("chain_subscribeNewHeads", block.header)
            await self.vote_on(block)
            await asyncio.sleep(self.slot / 4)

    async def vote_on(self, block):
        """A round: all prevotes, then all precommits, then the certificate, then what is late."""
        self.round += 1
        self.voted = {"prevotes": set(), "precommits": set()}
        voters = [i for i in range(self.count) if i not in self.silent | self.late]
        for name, phase in (("prevotes", "Prevote"), ("precommits", "Precommit")):
            await asyncio.sleep(self.slot / 4)
            if name == "precommits" and len(self.voted["prevotes"]) < self.quorum:
                continue
            for index in voters:
                self.vote(block, index, phase)
                self.voted[name].add(index)
        for index in self.double & set(voters):
            self.notify("coherence_subscribeVotes", {
                "kind": "doubleVote", "index": index, "validator": self.addresses[index],
                "voteType": "Prevote", "round": self.round, "setId": 0})
        if len(self.voted["precommits"]) >= self.quorum:
            self.finalise(block, sorted(self.voted["precommits"]))
        await asyncio.sleep(self.slot / 4)
        for index in sorted(self.late - self.silent):
            self.vote(block, index, "Prevote", is_late=True)
            self.vote(block, index, "Precommit", is_late=True)

    def finalise(self, block, signers):
        block.certificate = self.certify(block, signers)
        self.final = block.number
        self.notify("chain_subscribeFinalizedHeads", block.header)
        self.notify("coherence_subscribeCertificates", {
            "blockHash": hexadecimal(block.hash), "blockNumber": block.number, "setId": 0,
            "round": self.round, "certificate": hexadecimal(block.certificate), "signers": signers,
            "finalizedAt": int(1000 * time.time()), "latencyMs": int(1000 * (time.time() - block.made))})

    # JSON-RPC

    def notify(self, subscription, result):
        for socket, subscribed in list(self.subscribers.items()):
            if subscription in subscribed and self.is_answering:
                parameters = {"subscription": subscribed[subscription], "result": result}
                message = {"jsonrpc": "2.0", "method": NOTICES[subscription], "params": parameters}
                self.post(socket, message)

    def post(self, socket, message):
        with contextlib.suppress(asyncio.QueueFull):
            socket.outgoing.put_nowait(json.dumps(message))

    def answer(self, socket, method, parameters):
        self.calls.add(method)
        if method in NOTICES:
            self.subscribers[socket][method] = f"s{len(self.subscribers[socket])}"
            return self.subscribers[socket][method]
        return getattr(self, method)(*parameters)

    def system_name(self):
        return "quantumharmony-simulated"

    def system_version(self):
        return "0.0.0"

    def system_chain(self):
        return "Local Testnet"

    def system_health(self):
        return {"peers": self.peers, "isSyncing": False, "shouldHavePeers": True}

    def system_syncState(self):
        height = self.blocks[-1].number
        return {"startingBlock": 0, "currentBlock": height, "highestBlock": height}

    def system_peers(self):
        return [
            {"peerId": f"12D3KooW{self.addresses[index][:44]}", "roles": "AUTHORITY",
             "bestHash": hexadecimal(self.blocks[-1].hash), "bestNumber": self.blocks[-1].number,
             "postQuantumTransport": index % 3 != 2}
            for index in range(1, self.peers + 1)]

    def coherence_bans(self):
        return [{"peerId": f"12D3KooW{self.addresses[0][::-1][:44]}", "until": int(time.time()) + 600,
                 "count": 2}]

    def coherence_statistics(self):
        return {
            "gossip": {"accepted": 2 * self.round * self.count, "rejected": {"badSignature": 3}},
            "connections": {"bytesIn": 4_200_000, "bytesOut": 3_900_000},
            "process": {"cpuMicroseconds": 65_000_000, "residentBytes": 96 << 20}}

    def coherence_validators(self):
        return {
            "setId": 0, "setHash": hexadecimal(self.set_hash), "supermajority": "moreThanTwoThirds",
            "totalWeight": self.count, "thresholdWeight": self.quorum,
            "validators": [
                {"index": index, "account": self.addresses[index],
                 "accountId": hexadecimal(self.accounts[index]),
                 "falconPublicKey": hexadecimal(self.keys[index])} for index in range(self.count)]}

    def coherence_roundState(self):
        def report(name):
            missing = [a for i, a in enumerate(self.addresses) if i not in self.voted[name]]
            return {"currentWeight": self.count - len(missing), "missing": missing}
        final = {"hash": hexadecimal(self.blocks[0].hash), "number": self.final}
        return {
            "setId": 0, "background": [], "finalized": final, "lock": None,
            "highestQuorumCertificate": {"round": self.round, **final},
            "best": {
                "round": self.round, "totalWeight": self.count, "thresholdWeight": self.quorum,
                "prevotes": report("prevotes"), "precommits": report("precommits")}}

    def coherence_proveFinality(self, number):
        above = [b for b in self.blocks if b.number >= number]
        certified = next((b for b in above if b.certificate), None)
        if certified is None:
            return None
        headers = [b for b in above if b.number <= certified.number]
        return {
            "blockHash": hexadecimal(certified.hash), "blockNumber": certified.number, "setId": 0,
            "round": self.round, "certificate": hexadecimal(certified.certificate),
            "headers": [hexadecimal(b.encoding) for b in headers]}

    # The port

    async def handle(self, socket):
        self.subscribers[socket] = {}
        socket.outgoing = asyncio.Queue(maxsize=20_000)
        sender = asyncio.create_task(self.send(socket))
        try:
            async for text in socket:
                request = json.loads(text)
                if not self.is_answering:
                    continue
                result = self.answer(socket, request["method"], request["params"])
                self.post(socket, {"jsonrpc": "2.0", "id": request["id"], "result": result})
        finally:
            sender.cancel()
            del self.subscribers[socket]

    async def send(self, socket):
        while True:
            await socket.send(await socket.outgoing.get())

    async def page(self, connection, request):
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return None
        return await asyncio.to_thread(self.fetch, request.path)

    def fetch(self, path):
        try:
            with urllib.request.urlopen(self.pages + path) as reply:
                fields = [(n, v) for n, v in reply.getheaders() if n.lower() != "connection"]
                return Response(reply.status, reply.reason, Headers(fields), reply.read())
        except urllib.error.HTTPError as error:
            return Response(error.code, error.reason, Headers([("Content-Length", "0")]), b"")

    async def start(self):
        """Opens the port, the same one as before after a stop."""
        self.server = await serve(
            self.handle, "127.0.0.1", self.port, process_request=self.page, compression=None)
        self.port = self.server.sockets[0].getsockname()[1]
        self.chain = self.chain or asyncio.create_task(self.make_blocks())

    async def stop(self):
        """Closes the port and every connection; the chain goes on."""
        self.server.close()
        await self.server.wait_closed()

    async def __aenter__(self):
        await self.start()
        return self

    async def __aexit__(self, *_):
        self.chain.cancel()
        await self.stop()
