"""What the drivers of the test peers have in common: commands come as JSON lines on standard
input, answers and events go out as JSON lines on standard output.

A command is {"id": n, "op": name, ...}; its answer {"id": n, "ok": true, ...} or
{"id": n, "ok": false, "error": text}. The first line out is {"event": "ready", ...}.
"""

import hashlib
import json
import sys
import threading
import time

ECHO = "/quantumharmony-test/echo/1"
# Eight bytes, a length, highest first; so many bytes; then one byte comes back.
SINK = "/quantumharmony-test/sink/1"
CHUNK = bytes(64 * 1024)
PING = "/ipfs/ping/1.0.0"
IDENTIFY = "/ipfs/id/1.0.0"

_output = threading.Lock()


def say(**fields):
    with _output:
        sys.stdout.write(json.dumps(fields) + "\n")
        sys.stdout.flush()


class Inbox:
    """The messages that came on topics, of peers other than this one."""

    def __init__(self, own):
        self.own = own
        self.received = {}
        self.news = threading.Condition()

    def add(self, topic, author, data):
        if author == self.own:
            return
        with self.news:
            self.received.setdefault(topic, []).append((author, data))
            self.news.notify_all()

    def messages(self, command):
        """Waits until so many messages came; all of them."""
        topic, count = command["topic"], command["count"]
        with self.news:
            self.news.wait_for(lambda: len(self.received.get(topic, [])) >= count, timeout=20)
            came = self.received.get(topic, [])
            if len(came) < count:
                raise TimeoutError(f"{len(came)} of {count} messages came")
            return {
                "authors": [author for author, _ in came],
                "data": [data.hex() for _, data in came],
            }


def run(commands, command):
    try:
        result = getattr(commands, command["op"])(command)
        say(id=command["id"], ok=True, **result)
    except Exception as error:
        say(id=command["id"], ok=False, error=repr(error))


def obey(commands):
    """Does what standard input says, each command in a thread, until it ends."""
    for line in sys.stdin:
        arguments = (commands, json.loads(line))
        threading.Thread(target=run, args=arguments, daemon=True).start()


def echo_through(stream, command):
    """Writes all at once and begins to read only later, so that windows fill."""
    data = pattern(command["bytes"])
    with stream:
        writer = threading.Thread(target=stream.sendall, args=(data,), daemon=True)
        writer.start()
        time.sleep(command.get("holdMilliseconds", 0) / 1000)
        received = read_exactly(stream, len(data))
        writer.join()
    return {"bytes": len(received), "equal": digest(received) == digest(data)}


def read_exactly(connection, count):
    received = bytearray()
    while len(received) < count:
        chunk = connection.recv(count - len(received))
        if not chunk:
            raise EOFError(f"{len(received)} of {count} bytes came")
        received += chunk
    return bytes(received)


def identity_kind():
    """The kind of the peer's identity: the first argument that is no option."""
    return next((a for a in sys.argv[1:] if not a.startswith("--")), "ed25519")


def pattern(count):
    """Test data that differs in every period of a frame size."""
    return bytes((i * 7 + (i >> 8) * 13) & 0xFF for i in range(count))


def digest(data):
    return hashlib.sha256(data).hexdigest()


def split_length(data):
    """Reads an unsigned varint: the value and the number of bytes it took."""
    value = shift = 0
    for position, byte in enumerate(data):
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, position + 1
    raise ValueError("the length is cut off")


def identify_fields(framed):
    """The fields of a framed identify message, readable."""
    from libp2p.identity.identify.pb.identify_pb2 import Identify
    from multiaddr import Multiaddr

    length, start = split_length(framed)
    body = framed[start:]
    if len(body) != length:
        raise ValueError(f"the length says {length}, {len(body)} bytes came")
    message = Identify()
    message.ParseFromString(body)
    return {
        "agent": message.agent_version,
        "version": message.protocol_version,
        "publicKey": message.public_key.hex(),
        "addresses": [str(Multiaddr(a)) for a in message.listen_addrs],
        "observed": str(Multiaddr(message.observed_addr)),
        "protocols": list(message.protocols),
    }
