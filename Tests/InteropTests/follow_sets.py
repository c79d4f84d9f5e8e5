"""Follows the certificates that a node tells of from the first validator set on, and verifies each.

    follow_sets.py PORT SET COUNT

Ends after COUNT certificates of validator set SET. Each certificate that holds is a line: its height, its
set, and when the node had it, in milliseconds of Unix time. Nothing but docs/protocol.md, pqcrypto and
websocket-client are used.
"""

import json
import pathlib
import sys

import websocket

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "examples"))

from follow_finality import Node, hand_over  # noqa: E402
from verify_certificate import ValidatorSet, unhex, verify_certificate  # noqa: E402


def main():
    port, last, count = (int(text) for text in sys.argv[1:])
    node = Node(f"http://127.0.0.1:{port}")
    genesis = unhex(node.call("chain_getBlockHash", 0))
    validators = ValidatorSet(node.call("coherence_validators"))
    stream = websocket.create_connection(f"ws://127.0.0.1:{port}", timeout=60)
    stream.send(json.dumps({
        "jsonrpc": "2.0", "id": 1, "method": "coherence_subscribeCertificates", "params": []}))
    print(f"following from set {validators.id}", flush=True)
    while count > 0:
        message = json.loads(stream.recv())
        if message.get("method") != "coherence_certificate":
            continue
        told = message["params"]["result"]
        if told["setId"] > validators.id:
            validators = hand_over(node, validators, genesis, told["setId"])
        block, number = verify_certificate(unhex(told["certificate"]), validators, genesis)
        if (block, number) != (unhex(told["blockHash"]), told["blockNumber"]):
            raise SystemExit(f"another block is certified: #{number}")
        print(f"#{number} set {validators.id} at {told['finalizedAt']}", flush=True)
        if validators.id == last:
            count -= 1
    stream.close()


if __name__ == "__main__":
    main()
