"""smoldot, a light client of Substrate chains, under the command of a test.

It does not listen, and dials the boot nodes of its chain specification. That specification is made
here: a chain of which only the genesis state's root and a checkpoint are given, so that smoldot
needs no runtime. The node is asked for its id once it is up, as all drivers are; smoldot does not
tell its own, so the line names the one that it dials.
"""

import hashlib
import json
import os
import struct
import sys
import time

from smoldot_light import SmoldotClient

from driver import say

# The root of an empty trie: what a Substrate genesis block has for its extrinsics.
EMPTY_ROOT = bytes.fromhex("03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314")
STATE_ROOT = bytes([9]) * 32


def compact(value):
    if value < 64:
        return bytes([value << 2])
    return struct.pack("<H", value << 2 | 1)


def header(parent, number, state_root, digest):
    """A SCALE header; `digest` are its encoded items."""
    return (
        parent + compact(number) + state_root + EMPTY_ROOT + compact(len(digest))
        + b"".join(digest)
    )


def engine_item(kind, engine, content):
    return bytes([kind]) + engine + compact(len(content)) + content


def checkpoint():
    """A finalised block of height 3 with one BABE and one GRANDPA authority."""
    authority = bytes(range(32)) + struct.pack("<Q", 1)

    def epoch(index):
        return (
            struct.pack("<QQQ", index, 1_000 + 100 * index, 100) + compact(1) + authority
            + bytes(32) + struct.pack("<QQB", 1, 4, 1)
        )

    # A fork tree without nodes, then the two epochs by block and height.
    epochs = compact(0) + b"\0" + compact(2)
    for height in (1, 2):
        epochs += bytes([height]) * 32 + struct.pack("<I", height) + b"\1" + epoch(height - 1)
    grandpa = (
        compact(1) + authority + struct.pack("<Q", 0) + compact(0) + b"\0" + compact(0) + compact(0)
    )
    finalised = header(bytes(32), 3, bytes([7]) * 32, [
        engine_item(6, b"BABE", b"\2" + struct.pack("<IQ", 0, 1_050)),
        engine_item(5, b"BABE", bytes(64)),
    ])
    return {
        "babeEpochChanges": "0x" + epochs.hex(), "babeFinalizedBlockWeight": 0,
        "finalizedBlockHeader": "0x" + finalised.hex(),
        "grandpaAuthoritySet": "0x" + grandpa.hex(),
    }


class Client:
    """Calls of smoldot's JSON-RPC, answered in the order of their ids."""

    def __init__(self):
        self.client = SmoldotClient()
        self.chain = None
        self.next = 0

    def start(self, bootnode):
        self.chain = self.client.add_chain(json.dumps({
            "name": "test", "id": "test", "chainType": "Local", "bootNodes": [bootnode],
            "telemetryEndpoints": None, "protocolId": "test", "properties": {},
            "codeSubstitutes": {}, "genesis": {"stateRootHash": "0x" + STATE_ROOT.hex()},
            "lightSyncState": checkpoint(),
        }))

    def call(self, method, parameters=()):
        self.next += 1
        self.client.json_rpc_request(self.chain, json.dumps({
            "jsonrpc": "2.0", "id": self.next, "method": method, "params": list(parameters)}))
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for text in self.client.drain_responses(self.chain, max=16):
                answer = json.loads(text)
                if answer.get("id") == self.next:
                    if "error" in answer:
                        raise RuntimeError(answer["error"])
                    return answer["result"]
            # The binding has no call that waits.
            time.sleep(0.01)
        raise TimeoutError(f"{method} got no answer")


class Commands:
    def __init__(self):
        self.client = Client()

    def start(self, command):
        self.client.start(command["bootnode"])
        return {
            "chain": self.client.call("system_chain"),
            "genesis": self.client.call("chainSpec_v1_genesisHash"),
        }

    def peers(self, command):
        """Waits until there is a peer, with that best height if one is asked for; lists the peers."""
        deadline = time.monotonic() + command.get("seconds", 15)
        height = command.get("height", 0)
        while True:
            peers = self.client.call("system_peers")
            if any(peer["bestNumber"] >= height for peer in peers) == command.get("present", True):
                return {
                    "peers": [peer["peerId"] for peer in peers],
                    "roles": [peer["roles"] for peer in peers],
                    "heights": [str(peer["bestNumber"]) for peer in peers],
                    "hashes": [peer["bestHash"] for peer in peers],
                }
            if time.monotonic() > deadline:
                raise TimeoutError(f"the peers are {peers}")
            time.sleep(0.05)


def main():
    genesis = hashlib.blake2b(header(bytes(32), 0, STATE_ROOT, []), digest_size=32).hexdigest()
    say(event="ready", peer=sys.argv[1].rpartition("/")[2], addresses=[sys.argv[1]], genesis=genesis)
    commands = Commands()

    def run(command):
        try:
            say(id=command["id"], ok=True, **getattr(commands, command["op"])(command))
        except Exception as error:
            say(id=command["id"], ok=False, error=repr(error))

    for line in sys.stdin:
        run(json.loads(line))
    # smoldot's threads have no end of their own.
    os._exit(0)


main()
