"""A go-libp2p daemon (p2pd) under the command of a test: TCP, Noise, Yamux on loopback.

The daemon is driven over a unix socket with protobuf messages behind a varint length; a stream
that it opened or accepted becomes a unix socket of its own.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

import base58
import p2pd_pb2 as pb
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from multiaddr import Multiaddr

from driver import (
    CHUNK, ECHO, IDENTIFY, PING, SINK, Inbox, echo_through, identify_fields, identity_kind, obey,
    read_exactly, say)

UNIX = 400  # the code of /unix in a multiaddr


def varint(value):
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def read_all(connection):
    received = bytearray()
    while chunk := connection.recv(65536):
        received += chunk
    return bytes(received)


def send_message(connection, message):
    body = message.SerializeToString()
    connection.sendall(varint(len(body)) + body)


def receive_message(connection, message):
    length = shift = 0
    while True:
        byte = read_exactly(connection, 1)[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            break
    message.ParseFromString(read_exactly(connection, length))
    return message


def identity_options(directory, kind):
    """The daemon's options for an identity of that kind: a file with its private key."""
    if kind == "ed25519":
        return []  # it makes one itself
    if kind == "rsa":
        number, data = 0, rsa.generate_private_key(65537, 2048).private_bytes(
            Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    else:
        secret = ec.generate_private_key(ec.SECP256K1()).private_numbers().private_value
        number, data = 2, secret.to_bytes(32, "big")
    path = os.path.join(directory, "identity")
    with open(path, "wb") as file:
        file.write(bytes([8, number, 0x12]) + varint(len(data)) + data)
    return ["-id", path]


class Daemon:
    def __init__(self, directory, identity, options):
        self.directory = directory
        self.control = os.path.join(directory, "control")
        self.log = open(os.path.join(directory, "log"), "wb")
        program = os.environ.get("QH_P2PD") or os.path.join(os.path.dirname(sys.executable), "p2pd")
        self.process = subprocess.Popen(
            [program, "-listen", "/unix" + self.control, "-hostAddrs", "/ip4/127.0.0.1/tcp/0"]
            + ["-noise", "-tls=false", "-quic=false", "-muxer", "yamux", "-relay=false", "-q"]
            + identity_options(directory, identity)
            + ["-pubsub", "-pubsubRouter", "gossipsub", "-gossipsubHeartbeatInterval", "500ms"] + options,
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.await_control(deadline=time.monotonic() + 20)
        identity = self.request(type=pb.Request.IDENTIFY).identify
        self.peer = base58.b58encode(identity.id).decode()
        self.addresses = [f"{Multiaddr(a)}/p2p/{self.peer}" for a in identity.addrs]

    def await_control(self, deadline):
        """The socket's file is there before anybody listens on it: only a connection counts."""
        while True:
            try:
                return self.dial().close()
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("p2pd did not start: " + open(self.log.name).read())
                time.sleep(0.02)

    def dial(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(20)
        connection.connect(self.control)
        return connection

    def exchange(self, connection, fields):
        send_message(connection, pb.Request(**fields))
        response = receive_message(connection, pb.Response())
        if response.type == pb.Response.ERROR:
            raise RuntimeError(response.error.msg)
        return response

    def request(self, **fields):
        with self.dial() as connection:
            return self.exchange(connection, fields)

    def search(self, **fields):
        """Searches the DHT, as soon as there is somebody to ask: a connected peer enters the table a
        moment after identify has told of its protocols."""
        deadline = time.monotonic() + 20
        while True:
            try:
                return self.request(type=pb.Request.DHT, dht=pb.DHTRequest(**fields))
            except RuntimeError as error:
                if str(error) != "failed to find any peer in table" or time.monotonic() > deadline:
                    raise

    def open(self, peer, protocol):
        connection = self.dial()
        self.exchange(connection, {
            "type": pb.Request.STREAM_OPEN,
            "streamOpen": pb.StreamOpenRequest(peer=base58.b58decode(peer), proto=[protocol]),
        })
        return connection

    def handle(self, protocol, serve):
        path = os.path.join(self.directory, protocol.split("/")[-2])
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(8)

        def accept():
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        # The value is the whole path with its leading slash, as go's multiaddr wants it.
        address = varint(UNIX) + varint(len(path)) + path.encode()
        self.request(
            type=pb.Request.STREAM_HANDLER,
            streamHandler=pb.StreamHandlerRequest(addr=address, proto=[protocol], balanced=False))


def serve_echo(connection):
    """Sends everything back, then finishes too."""
    total = 0
    try:
        receive_message(connection, pb.StreamInfo())
        while chunk := connection.recv(16384):
            total += len(chunk)
            connection.sendall(chunk)
        connection.close()
        say(event="echoed", bytes=total)
    except OSError as error:
        say(event="echo-failed", error=repr(error))


def serve_sink(connection):
    with connection:
        receive_message(connection, pb.StreamInfo())
        left = int.from_bytes(read_exactly(connection, 8), "big")
        while left > 0:
            chunk = connection.recv(65536)
            if not chunk:
                return
            left -= len(chunk)
        connection.sendall(b"\x01")


class Commands:
    def __init__(self, daemon):
        self.daemon = daemon
        self.inbox = Inbox(daemon.peer)
        self.messages = self.inbox.messages

    def subscribe(self, command):
        topic = command["topic"]
        request = pb.PSRequest(type=pb.PSRequest.SUBSCRIBE, topic=topic)
        connection = self.daemon.dial()
        self.daemon.exchange(connection, {"type": pb.Request.PUBSUB, "pubsub": request})
        connection.settimeout(None)

        def collect():
            while True:
                try:
                    message = receive_message(connection, pb.PSMessage())
                except (EOFError, OSError):
                    return  # the daemon ended
                author = base58.b58encode(getattr(message, "from")).decode()
                self.inbox.add(topic, author, message.data)

        threading.Thread(target=collect, daemon=True).start()
        return {}

    def publish(self, command):
        self.daemon.request(
            type=pb.Request.PUBSUB,
            pubsub=pb.PSRequest(
                type=pb.PSRequest.PUBLISH, topic=command["topic"],
                data=bytes.fromhex(command["data"])))
        return {}

    def subscribers(self, command):
        """The peers that take part in a topic, as far as this one knows."""
        answer = self.daemon.request(
            type=pb.Request.PUBSUB,
            pubsub=pb.PSRequest(type=pb.PSRequest.LIST_PEERS, topic=command["topic"]))
        return {"peers": [base58.b58encode(peer).decode() for peer in answer.pubsub.peerIDs]}

    def connect(self, command):
        address, _, peer = command["address"].rpartition("/p2p/")
        self.daemon.request(
            type=pb.Request.CONNECT,
            connect=pb.ConnectRequest(
                peer=base58.b58decode(peer), addrs=[Multiaddr(address).to_bytes()], timeout=10))
        return {}

    def disconnect(self, command):
        self.daemon.request(
            type=pb.Request.DISCONNECT,
            disconnect=pb.DisconnectRequest(peer=base58.b58decode(command["peer"])))
        return {}

    def find_peer(self, command):
        """Where a peer is, by the DHT."""
        peer = self.daemon.search(
            type=pb.DHTRequest.FIND_PEER, peer=base58.b58decode(command["peer"]), timeout=10
        ).dht.peer
        return {
            "peer": base58.b58encode(peer.id).decode(),
            "addresses": [str(Multiaddr(a)) for a in peer.addrs],
        }

    def peers(self, command):
        listed = self.daemon.request(type=pb.Request.LIST_PEERS).peers
        return {"peers": [base58.b58encode(peer.id).decode() for peer in listed]}

    def ping(self, command):
        with self.daemon.open(command["peer"], PING) as stream:
            for _ in range(command["count"]):
                sent = os.urandom(32)
                stream.sendall(sent)
                if read_exactly(stream, 32) != sent:
                    raise ValueError("the pong differs from the ping")
        return {"count": command["count"]}

    def send(self, command):
        """Fills another peer's sink through one stream; how long that took."""
        left = command["bytes"]
        with self.daemon.open(command["peer"], SINK) as stream:
            start = time.perf_counter_ns()
            stream.sendall(left.to_bytes(8, "big"))
            while left > 0:
                stream.sendall(CHUNK[:left])
                left -= len(CHUNK)
            read_exactly(stream, 1)
            taken = time.perf_counter_ns() - start
        return {"microseconds": taken // 1000}

    def opens(self, command):
        """Opens streams one after the other, each until its first byte is back."""
        times = []
        for _ in range(command["count"]):
            start = time.perf_counter_ns()
            with self.daemon.open(command["peer"], SINK) as stream:
                stream.sendall(bytes(8))
                read_exactly(stream, 1)
                times.append(str((time.perf_counter_ns() - start) // 1000))
        return {"microseconds": times}

    def relay(self, command):
        """What the way between this program and the daemon costs: as `send` and `opens`, with a
        thread of this program at the other end of the socket in the place of the daemon."""
        path = os.path.join(self.daemon.directory, "relay")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(8)

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    left = int.from_bytes(read_exactly(connection, 8), "big")
                    while left > 0:
                        left -= len(connection.recv(65536))
                    connection.sendall(b"\x01")

        threading.Thread(target=serve, daemon=True).start()

        def exchange(count):
            start = time.perf_counter_ns()
            with socket.socket(socket.AF_UNIX) as stream:
                stream.connect(path)
                stream.sendall(count.to_bytes(8, "big"))
                while count > 0:
                    stream.sendall(CHUNK[:count])
                    count -= len(CHUNK)
                read_exactly(stream, 1)
            return (time.perf_counter_ns() - start) // 1000

        taken = exchange(command["bytes"])
        times = [str(exchange(0)) for _ in range(command["count"])]
        listener.close()
        os.unlink(path)
        return {"microseconds": taken, "opens": times}

    def identify(self, command):
        with self.daemon.open(command["peer"], IDENTIFY) as stream:
            return identify_fields(read_all(stream))

    def echo(self, command):
        return echo_through(self.daemon.open(command["peer"], ECHO), command)


def main():
    directory = tempfile.mkdtemp(prefix="p2pd-")
    daemon = None
    try:
        daemon = Daemon(directory, identity_kind(), ["-dhtServer"] if "--dht" in sys.argv else [])
        daemon.handle(ECHO, serve_echo)
        daemon.handle(SINK, serve_sink)
        say(event="ready", peer=daemon.peer, addresses=daemon.addresses)
        obey(Commands(daemon))
    finally:
        if daemon:
            daemon.process.kill()
            daemon.process.wait()
        shutil.rmtree(directory, ignore_errors=True)


main()
