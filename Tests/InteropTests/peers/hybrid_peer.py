"""A peer of the hybrid encryption with no code of ours: X25519, Ed25519 and ChaCha20-Poly1305 of the
package cryptography, ML-KEM-768 of the package kyber-py, and the Noise rules written out below.

It listens on loopback and answers; the command "dial" makes it the initiator. Either way it shakes
hands, agrees on yamux and exchanges a yamux ping, so that both directions are decrypted.
"""

import hashlib
import hmac
import json
import os
import socket
import struct
import sys
import threading

import base58
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from kyber_py.ml_kem import ML_KEM_768

from driver import say, split_length

NAME = b"Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256"
SECURITY = "/quantumharmony/noise-xxhfs-mlkem768/1"
MULTISTREAM = "/multistream/1.0.0"
YAMUX = "/yamux/1.0.0"
SIGNED = b"noise-libp2p-static-key:"
KEY_PREFIX = bytes.fromhex("08011220")  # protobuf: type Ed25519, 32 bytes


def raw(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def fields(message):
    found = {}
    while message:
        tag, used = split_length(message)
        message = message[used:]
        assert tag & 7 == 2, "only byte strings are expected"
        length, used = split_length(message)
        found[tag >> 3] = message[used : used + length]
        message = message[used + length :]
    return found


class Cipher:
    def __init__(self, key):
        self.aead, self.number = ChaCha20Poly1305(key), 0

    def nonce(self):
        self.number += 1
        return bytes(4) + struct.pack("<Q", self.number - 1)

    def seal(self, data, header=b""):
        return self.aead.encrypt(self.nonce(), data, header)

    def open(self, data, header=b""):
        return self.aead.decrypt(self.nonce(), data, header)


class Symmetric:
    def __init__(self):
        self.h = hashlib.sha256(NAME).digest() if len(NAME) > 32 else NAME.ljust(32, b"\0")
        self.ck, self.cipher = self.h, None
        self.mix_hash(b"")

    def mix_hash(self, data):
        self.h = hashlib.sha256(self.h + data).digest()

    def derive(self, secret):
        temporary = hmac.digest(self.ck, secret, "sha256")
        first = hmac.digest(temporary, b"\x01", "sha256")
        return first, hmac.digest(temporary, first + b"\x02", "sha256")

    def mix_key(self, secret):
        self.ck, key = self.derive(secret)
        self.cipher = Cipher(key)

    def write(self, data):
        sent = self.cipher.seal(data, self.h) if self.cipher else data
        self.mix_hash(sent)
        return sent

    def read(self, sent):
        data = self.cipher.open(sent, self.h) if self.cipher else sent
        self.mix_hash(sent)
        return data


class Wire:
    """A socket with what each layer needs of it."""

    def __init__(self, connection):
        self.connection, self.buffer = connection, b""
        self.sending = self.receiving = None

    def exactly(self, count):
        while len(self.buffer) < count:
            chunk = self.connection.recv(65536)
            if not chunk:
                raise EOFError("the connection ended")
            self.buffer += chunk
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def frame(self):
        return self.exactly(struct.unpack(">H", self.exactly(2))[0])

    def send_frame(self, data):
        self.connection.sendall(struct.pack(">H", len(data)) + data)

    # Multistream lines, in the clear or in records.
    def say(self, *names):
        data = b"".join(varint(len(name) + 1) + name.encode() + b"\n" for name in names)
        if self.sending:
            self.send_frame(self.sending.seal(data))
        else:
            self.connection.sendall(data)


class Plain:
    """The plaintext that arrives."""

    def __init__(self, wire):
        self.wire, self.buffer = wire, b""

    def exactly(self, count):
        while len(self.buffer) < count:
            if self.wire.receiving:
                self.buffer += self.wire.receiving.open(self.wire.frame())
            else:
                self.buffer += self.wire.exactly(1)
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def line(self):
        length = shift = 0
        while True:
            byte = self.exactly(1)[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        line = self.exactly(length)
        assert line.endswith(b"\n"), line
        return line[:-1].decode()

    def expect(self, name):
        line = self.line()
        assert line == name, f"{line} came, not {name}"


class Peer:
    def __init__(self):
        self.identity = Ed25519PrivateKey.generate()
        self.static = X25519PrivateKey.generate()
        self.key = KEY_PREFIX + raw(self.identity)

    @staticmethod
    def id_of(key):
        return base58.b58encode(b"\x00" + bytes([len(key)]) + key).decode()

    def payload(self):
        signature = self.identity.sign(SIGNED + raw(self.static))
        return field(1, self.key) + field(2, signature)

    @staticmethod
    def verify(payload, static):
        found = fields(payload)
        key = found[1]
        assert key.startswith(KEY_PREFIX), "an Ed25519 identity is expected"
        Ed25519PublicKey.from_public_bytes(key[4:]).verify(found[2], SIGNED + static)
        return Peer.id_of(key)

    def initiate(self, wire):
        s, e = Symmetric(), X25519PrivateKey.generate()
        encapsulation, decapsulation = ML_KEM_768.keygen()
        s.mix_hash(raw(e))
        wire.send_frame(raw(e) + s.write(encapsulation) + s.write(b""))
        message = wire.frame()
        remote_e, message = message[:32], message[32:]
        s.mix_hash(remote_e)
        s.mix_key(e.exchange(X25519PublicKey.from_public_bytes(remote_e)))
        ciphertext, message = s.read(message[:1104]), message[1104:]
        s.mix_key(ML_KEM_768.decaps(decapsulation, ciphertext))
        remote_s, message = s.read(message[:48]), message[48:]
        s.mix_key(e.exchange(X25519PublicKey.from_public_bytes(remote_s)))
        remote = self.verify(s.read(message), remote_s)
        third = s.write(raw(self.static))
        s.mix_key(self.static.exchange(X25519PublicKey.from_public_bytes(remote_e)))
        wire.send_frame(third + s.write(self.payload()))
        first, second = s.derive(b"")
        wire.sending, wire.receiving = Cipher(first), Cipher(second)
        return remote, s.h

    def respond(self, wire):
        s, e = Symmetric(), X25519PrivateKey.generate()
        message = wire.frame()
        remote_e, message = message[:32], message[32:]
        s.mix_hash(remote_e)
        encapsulation, message = s.read(message[:1184]), message[1184:]
        assert s.read(message) == b"", "the first message has no payload"
        s.mix_hash(raw(e))
        s.mix_key(e.exchange(X25519PublicKey.from_public_bytes(remote_e)))
        secret, ciphertext = ML_KEM_768.encaps(encapsulation)
        second = raw(e) + s.write(ciphertext)
        s.mix_key(secret)
        second += s.write(raw(self.static))
        s.mix_key(self.static.exchange(X25519PublicKey.from_public_bytes(remote_e)))
        wire.send_frame(second + s.write(self.payload()))
        message = wire.frame()
        remote_s, message = s.read(message[:48]), message[48:]
        s.mix_key(e.exchange(X25519PublicKey.from_public_bytes(remote_s)))
        remote = self.verify(s.read(message), remote_s)
        first, second = s.derive(b"")
        wire.receiving, wire.sending = Cipher(first), Cipher(second)
        return remote, s.h

    def dial(self, host, port):
        with socket.create_connection((host, port), timeout=20) as connection:
            wire = Wire(connection)
            plain = Plain(wire)
            wire.say(MULTISTREAM, SECURITY)
            plain.expect(MULTISTREAM)
            plain.expect(SECURITY)
            remote, transcript = self.initiate(wire)
            wire.say(MULTISTREAM, YAMUX)
            plain.expect(MULTISTREAM)
            plain.expect(YAMUX)
            wire.send_frame(wire.sending.seal(struct.pack(">BBHII", 0, 2, 1, 0, 4711)))
            while True:
                _, kind, flags, _, value = struct.unpack(">BBHII", plain.exactly(12))
                if kind == 2 and flags & 2 and value == 4711:
                    return {"peer": remote, "transcript": transcript.hex()}
                if kind == 0:
                    plain.exactly(value)

    def accept(self, connection):
        wire = Wire(connection)
        plain = Plain(wire)
        plain.expect(MULTISTREAM)
        wire.say(MULTISTREAM)
        while (line := plain.line()) != SECURITY:
            wire.say("na")
        wire.say(SECURITY)
        remote, transcript = self.respond(wire)
        plain.expect(MULTISTREAM)
        plain.expect(YAMUX)
        wire.say(MULTISTREAM, YAMUX)
        say(event="accepted", peer=remote, transcript=transcript.hex())
        while True:
            _, kind, flags, stream, value = struct.unpack(">BBHII", plain.exactly(12))
            if kind == 2 and flags & 1:
                wire.send_frame(wire.sending.seal(struct.pack(">BBHII", 0, 2, 2, 0, value)))
            elif kind == 0:
                plain.exactly(value)

    def serve(self, connection):
        try:
            self.accept(connection)
        except (EOFError, OSError, AssertionError, InvalidTag) as error:
            say(event="closed", reason=repr(error))
        finally:
            connection.close()


def main():
    peer = Peer()
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"/ip4/127.0.0.1/tcp/{listener.getsockname()[1]}/p2p/{Peer.id_of(peer.key)}"

    def listen():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=peer.serve, args=(connection,), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    say(event="ready", peer=Peer.id_of(peer.key), addresses=[address])
    for line in sys.stdin:
        command = json.loads(line)
        try:
            parts = command["address"].split("/")
            say(id=command["id"], ok=True, **peer.dial(parts[2], int(parts[4])))
        except Exception as error:  # whatever it is, the test wants to hear of it
            say(id=command["id"], ok=False, error=repr(error))
    os._exit(0)


main()
