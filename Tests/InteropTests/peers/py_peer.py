"""A py-libp2p peer under the command of a test: TCP, Noise, Yamux on loopback."""

import json
import os
import sys
import threading
import time

import multiaddr
import trio
from libp2p import generate_new_ed25519_identity, new_host
from libp2p.crypto.rsa import create_new_key_pair as new_rsa_identity
from libp2p.crypto.secp256k1 import create_new_key_pair as new_secp256k1_identity
from libp2p.crypto.x25519 import create_new_key_pair
from libp2p.custom_types import TProtocol
from libp2p.discovery.events.peerDiscovery import peerDiscovery
from libp2p.kad_dht.kad_dht import DHTMode, KadDHT
from libp2p.network.config import ConnectionConfig
from libp2p.network.stream.exceptions import StreamEOF
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.pubsub.gossipsub import GossipSub, PROTOCOL_ID_V11, PROTOCOL_ID_V12
from libp2p.pubsub.pubsub import Pubsub
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE, Transport
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX, Yamux
from libp2p.tools.anyio_service import background_trio_service

from vote_observer import VOTE, Observer

from driver import CHUNK, ECHO, IDENTIFY, PING, SINK, digest, identify_fields, identity_kind, pattern, say


async def read_all(stream):
    received = bytearray()
    try:
        while chunk := await stream.read(65536):
            received += chunk
    except StreamEOF:
        pass
    return bytes(received)


async def read_exactly(stream, count):
    received = bytearray()
    while len(received) < count:
        chunk = await stream.read(count - len(received))
        if not chunk:
            raise EOFError(f"{len(received)} of {count} bytes came")
        received += chunk
    return bytes(received)


async def serve_echo(stream):
    """Sends everything back, then finishes too."""
    total = 0
    try:
        while chunk := await stream.read(16384):
            total += len(chunk)
            await stream.write(chunk)
    except StreamEOF:
        pass
    except Exception as error:
        say(event="echo-failed", error=repr(error))
        return
    await stream.close()
    say(event="echoed", bytes=total)


async def serve_sink(stream):
    left = int.from_bytes(await read_exactly(stream, 8), "big")
    while left > 0:
        left -= len(await stream.read(min(left, 65536)))
    await stream.write(b"\x01")
    await stream.close()


class Router(GossipSub):
    """GossipSub whose mesh takes no more than it needs: 0.8.1 grafts every peer that it can."""

    def _perform_opportunistic_grafting(self, topic, peers_to_graft):
        return 0


def pubsub_of(host):
    """GossipSub that signs, with a quick heartbeat and no limit on what it publishes itself."""
    router = Router(
        protocols=[PROTOCOL_ID_V12, PROTOCOL_ID_V11], degree=6, degree_low=4, degree_high=12,
        heartbeat_initial_delay=0.1, heartbeat_interval=0.5, spam_protection_enabled=False,
        adaptive_gossip_enabled=False)
    return router, Pubsub(host, router, strict_signing=True)


class Discoveries:
    """Tells of peers that are found, but not before this peer said that it is ready."""

    def __init__(self):
        self.lock = threading.Lock()
        self.early = []

    def found(self, info):
        event = {
            "event": "discovered",
            "peer": str(info.peer_id),
            "addresses": [str(a) for a in info.addrs],
        }
        with self.lock:
            if self.early is not None:
                self.early.append(event)
                return
        say(**event)

    def begin(self):
        with self.lock:
            early, self.early = self.early, None
        for event in early:
            say(**event)


async def run_service(service):
    async with background_trio_service(service) as manager:
        await manager.wait_finished()


class Commands:
    def __init__(self, host, pubsub, router, dht, nursery):
        self.host = host
        self.dht = dht
        self.pubsub = pubsub
        self.router = router
        self.nursery = nursery
        self.received = {}
        self.news = trio.Condition()

    async def subscribe(self, command):
        topic = command["topic"]
        subscription = await self.pubsub.subscribe(topic)
        received = self.received.setdefault(topic, [])

        async def collect():
            while True:
                message = await subscription.get()
                received.append((str(ID(message.from_id)), message.data))
                async with self.news:
                    self.news.notify_all()

        self.nursery.start_soon(collect)
        return {}

    async def publish(self, command):
        await self.pubsub.publish(command["topic"], bytes.fromhex(command["data"]))
        return {}

    async def messages(self, command):
        """Waits until so many messages of other peers came; all of them."""
        while True:
            others = [
                (author, data) for author, data in self.received.get(command["topic"], [])
                if author != str(self.host.get_id())
            ]
            if len(others) >= command["count"]:
                break
            async with self.news:
                await self.news.wait()
        return {
            "authors": [author for author, _ in others],
            "data": [data.hex() for _, data in others],
        }

    async def observe(self, command):
        """Reads and verifies what the topic brings, until `count` votes of each validator came."""
        observer = Observer(command["genesis"], command["validators"])
        done = 0
        while True:
            messages = self.received.get(command["topic"], [])
            for _, data in messages[done:]:
                observer.take(data)
            done = len(messages)
            if observer.has_seen(command["count"]):
                return observer.report()
            async with self.news:
                await self.news.wait()

    async def forge(self, command):
        """Publishes the newest vote with another block hash, again and again."""
        for number in range(command["count"]):
            messages = self.received[command["topic"]]
            forged = bytearray([data for _, data in messages if data[0] == VOTE][-1])
            # Behind the kind and the validator; another bit each time, as each must be news.
            forged[33 + number] ^= 1
            await self.pubsub.publish(command["topic"], bytes(forged))
            await trio.sleep(0.05)
        return {}

    async def mesh(self, command):
        mesh = self.router.mesh.get(command["topic"], set())
        return {"peers": [str(peer) for peer in mesh]}

    async def connect(self, command):
        await self.host.connect(info_from_p2p_addr(multiaddr.Multiaddr(command["address"])))
        return {}

    async def disconnect(self, command):
        await self.host.disconnect(ID.from_base58(command["peer"]))
        return {}

    async def find_peer(self, command):
        """Where a peer is, by the DHT."""
        found = await self.dht.find_peer(ID.from_base58(command["peer"]))
        if found is None:
            raise ValueError("not found")
        return {"peer": str(found.peer_id), "addresses": [str(a) for a in found.addrs]}

    async def peers(self, command):
        return {"peers": [str(peer) for peer in self.host.get_connected_peers()]}

    async def open(self, command, protocol):
        return await self.host.new_stream(ID.from_base58(command["peer"]), [TProtocol(protocol)])

    async def ping(self, command):
        stream = await self.open(command, PING)
        for _ in range(command["count"]):
            sent = os.urandom(32)
            await stream.write(sent)
            if await read_exactly(stream, 32) != sent:
                raise ValueError("the pong differs from the ping")
        await stream.close()
        return {"count": command["count"]}

    async def send(self, command):
        """Fills another peer's sink through one stream; how long that took."""
        left = command["bytes"]
        stream = await self.open(command, SINK)
        start = time.perf_counter_ns()
        await stream.write(left.to_bytes(8, "big"))
        while left > 0:
            await stream.write(CHUNK[:left])
            left -= len(CHUNK)
        await read_exactly(stream, 1)
        taken = time.perf_counter_ns() - start
        await stream.close()
        return {"microseconds": taken // 1000}

    async def opens(self, command):
        """Opens streams one after the other, each until its first byte is back."""
        times = []
        for _ in range(command["count"]):
            start = time.perf_counter_ns()
            stream = await self.open(command, SINK)
            await stream.write(bytes(8))
            await read_exactly(stream, 1)
            times.append(str((time.perf_counter_ns() - start) // 1000))
            await stream.close()
        return {"microseconds": times}

    async def identify(self, command):
        stream = await self.open(command, IDENTIFY)
        try:
            framed = await read_all(stream)
        finally:
            await stream.close()
        return identify_fields(framed)

    async def echo(self, command):
        """Writes all at once and begins to read only later, so that windows fill."""
        data = pattern(command["bytes"])
        stream = await self.open(command, ECHO)
        received = b""

        async def read():
            nonlocal received
            await trio.sleep(command.get("holdMilliseconds", 0) / 1000)
            received = await read_exactly(stream, len(data))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await stream.write(data)
        await stream.close()
        return {"bytes": len(received), "equal": digest(received) == digest(data)}


IDENTITIES = {
    "ed25519": generate_new_ed25519_identity,
    "secp256k1": new_secp256k1_identity,
    "rsa": lambda: new_rsa_identity(2048),
}


async def main():
    keys = IDENTITIES[identity_kind()]()
    # Before the host, which looks for others as soon as it is made.
    discoveries = Discoveries()
    peerDiscovery.register_peer_discovered_handler(discoveries.found)
    host = new_host(
        key_pair=keys,
        sec_opt={NOISE: Transport(keys, noise_privkey=create_new_key_pair().private_key)},
        muxer_opt={TProtocol(YAMUX): Yamux},
        enable_mDNS="--mdns" in sys.argv,
        # It wants half of one connection, that is none, so that it does not dial whom it finds.
        connection_config=ConnectionConfig(min_connections=0, low_watermark=0, high_watermark=1)
        if "--mdns" in sys.argv else None,
    )
    dht = KadDHT(host, DHTMode.SERVER) if "--dht" in sys.argv else None
    listen = [multiaddr.Multiaddr("/ip4/127.0.0.1/tcp/0")]
    router, pubsub = pubsub_of(host)
    async with (
        host.run(listen_addrs=listen),
        background_trio_service(pubsub),
        background_trio_service(router),
        trio.open_nursery() as nursery,
    ):
        await pubsub.wait_until_ready()
        host.set_stream_handler(TProtocol(ECHO), serve_echo)
        host.set_stream_handler(TProtocol(SINK), serve_sink)
        addresses = [str(a) for a in host.get_addrs()]
        say(event="ready", peer=str(host.get_id()), addresses=addresses)
        discoveries.begin()
        commands = Commands(host, pubsub, router, dht, nursery)
        if dht:
            nursery.start_soon(run_service, dht)

        async def run(command):
            try:
                with trio.fail_after(command.get("timeoutSeconds", 20)):
                    result = await getattr(commands, command["op"])(command)
                say(id=command["id"], ok=True, **result)
            except Exception as error:
                say(id=command["id"], ok=False, error=repr(error))

        async for line in trio.wrap_file(sys.stdin):
            nursery.start_soon(run, json.loads(line))
        nursery.cancel_scope.cancel()


trio.run(main)
