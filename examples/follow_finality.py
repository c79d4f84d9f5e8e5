"""Follows the finality of a chain and verifies every certificate, with no trust in the node.

    python3 -m pip install pqcrypto==0.4.0
    python3 examples/follow_finality.py --node http://127.0.0.1:9944 --blocks 5

What is trusted are the genesis block and the validator set of the first answer; give their hashes with
--genesis and --set-hash, from a source of yours, to trust neither to this node. When the set changes, the
hand-offs are verified as well. One line for each certificate: the height, the hash, and who signed.

The rules are those of docs/protocol.md; Tests/InteropTests/verify_certificate.py has them in Python.
"""

import argparse
import json
import pathlib
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests" / "InteropTests"))

from verify_certificate import (  # noqa: E402
    Invalid, Reader, ValidatorSet, blake2b, header_facts, unhex, verify_certificate,
)


class Node:
    """JSON-RPC over HTTP."""

    def __init__(self, address):
        self.address = address

    def call(self, method, *parameters):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
        request = urllib.request.Request(
            self.address, body.encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as reply:
            answer = json.load(reply)
        if "error" in answer:
            raise SystemExit(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def final_height(self):
        header = self.call("chain_getHeader", self.call("chain_getFinalizedHead"))
        return int(header["number"], 16)


def validator_set(data):
    """The ValidatorSet that a hand-off brings, from its SCALE bytes."""
    reader = Reader(data)
    identifier, count = reader.integer(8), reader.compact()
    members = [(reader.take(32), reader.take(1793)) for _ in range(count)]
    policy = reader.integer(1)
    reader.finish()
    return ValidatorSet({
        "setId": identifier, "setHash": "0x" + blake2b(data).hex(),
        "supermajority": ["twoThirds", "moreThanTwoThirds"][policy],
        "validators": [
            {"accountId": "0x" + account.hex(), "falconPublicKey": "0x" + key.hex()}
            for account, key in members]})


def announced(header):
    """The id and hash of the next set in the COHR digest item of a hand-off block's header."""
    reader = Reader(header)
    reader.take(32), reader.compact(), reader.take(64)
    for _ in range(reader.compact()):
        kind, engine = reader.integer(1), reader.take(4)
        content = reader.take(reader.compact())
        if (kind, engine, len(content)) == (4, b"COHR", 40):
            return int.from_bytes(content[:8], "little"), content[8:]
    raise Invalid("the header announces no set")


def hand_over(node, validators, genesis, target):
    """Goes from a trusted set to a later one, certificate by certificate."""
    while validators.id < target:
        steps = node.call("coherence_handOffs", validators.id)
        if not steps:
            raise Invalid(f"no hand-off from set {validators.id}")
        for step in steps:
            header, next_set = unhex(step["header"]), validator_set(unhex(step["nextSet"]))
            block_hash, _ = verify_certificate(unhex(step["certificate"]), validators, genesis)
            if blake2b(header) != block_hash or announced(header) != (next_set.id, next_set.hash):
                raise Invalid("a hand-off does not belong to its certificate")
            validators = next_set
            if validators.id == target:
                break
    return validators


def verified(node, height, validators, genesis):
    """The certificate that makes a height final: its block, its signers and its set.

    None for a certificate of a set before the trusted one, which there is no way back to.
    """
    proof = node.call("coherence_proveFinality", height)
    if proof is None:
        raise Invalid(f"the node says that {height} is final and has no proof")
    if proof["setId"] < validators.id:
        return None
    if proof["setId"] > validators.id:
        validators = hand_over(node, validators, genesis, proof["setId"])
    data = unhex(proof["certificate"])
    block_hash, number = verify_certificate(data, validators, genesis)
    chain = [header_facts(unhex(header)) for header in proof["headers"]]
    if not chain or chain[0][1] != height or chain[-1][2] != block_hash:
        raise Invalid("the headers do not lead to the certificate's block")
    if any(after[0] != before[2] for before, after in zip(chain, chain[1:])):
        raise Invalid("the headers are no chain")
    return number, block_hash, signers(data), validators


def signers(certificate):
    reader = Reader(certificate)
    reader.take(1 + 8 + 32 + 8 + 32 + 4 + 1)
    indices = []
    for _ in range(reader.compact()):
        indices.append(reader.integer(2))
        reader.take(8 + 56 + 1280)
    return indices


def follow(options):
    node = Node(options.node)
    genesis = unhex(node.call("chain_getBlockHash", 0))
    if options.genesis and genesis != unhex(options.genesis):
        raise Invalid("the node is of another chain")
    validators = ValidatorSet(node.call("coherence_validators"))
    if options.set_hash and validators.hash != unhex(options.set_hash):
        raise Invalid("the node's validator set is another one")
    height = max(1, node.final_height())
    shown = 0
    while options.blocks is None or shown < options.blocks:
        if node.final_height() < height:
            time.sleep(options.pause)
            continue
        found = verified(node, height, validators, genesis)
        if found is None:
            height += 1
            continue
        number, block_hash, indices, validators = found
        print(f"#{number} 0x{block_hash.hex()} final, set {validators.id}, signed by {indices}", flush=True)
        height = number + 1
        shown += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--node", default="http://127.0.0.1:9944", help="the address of JSON-RPC")
    parser.add_argument("--blocks", type=int, help="how many certificates; without it, all")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between questions")
    parser.add_argument("--genesis", help="the genesis hash that is trusted")
    parser.add_argument("--set-hash", help="the hash of the present validator set that is trusted")
    try:
        follow(parser.parse_args())
    except Invalid as reason:
        raise SystemExit(f"INVALID: {reason}") from None


if __name__ == "__main__":
    main()
