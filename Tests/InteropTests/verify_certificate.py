"""Verifies a finality certificate with nothing but pqcrypto and docs/protocol.md.

Standard input: a JSON object with the fields
  genesisHash   0x and 64 hexadecimal digits
  validators    the result of coherence_validators
  proof         the result of coherence_proveFinality
  number        the height that is to be shown final
Standard output: VALID and the certified height, or INVALID and the reason; the exit status is 0 or 1.
"""

import hashlib
import json
import sys

from pqcrypto.sign.falcon_padded_1024 import verify


class Invalid(Exception):
    pass


class Reader:
    """A SCALE reader that refuses truncated and non-canonical input."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise Invalid("truncated")
        self.at += count
        return self.data[self.at - count : self.at]

    def integer(self, width):
        return int.from_bytes(self.take(width), "little")

    def compact(self):
        first = self.integer(1)
        mode = first & 3
        if mode == 0:
            return first >> 2
        if mode == 3:
            value, least = int.from_bytes(self.take((first >> 2) + 4), "little"), 1 << 30
        else:
            width = 1 << mode
            rest = int.from_bytes(self.take(width - 1), "little")
            value, least = (first | rest << 8) >> 2, 64 if mode == 1 else 1 << 14
        if value < least:
            raise Invalid("compact integer not in its shortest form")
        return value

    def finish(self):
        if self.at != len(self.data):
            raise Invalid("trailing bytes")


def blake2b(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def unhex(text):
    if not text.startswith("0x"):
        raise Invalid("hexadecimal without 0x")
    return bytes.fromhex(text[2:])


def compact(value):
    if value < 64:
        return bytes([value << 2])
    if value < 1 << 14:
        return (value << 2 | 1).to_bytes(2, "little")
    if value < 1 << 30:
        return (value << 2 | 2).to_bytes(4, "little")
    raise Invalid("count too large")


POLICIES = {"twoThirds": 0, "moreThanTwoThirds": 1}


def quorum(policy, count):
    return -(-2 * count // 3) if policy == 0 else 2 * count // 3 + 1


class ValidatorSet:
    def __init__(self, report):
        self.id = report["setId"]
        self.policy = POLICIES[report["supermajority"]]
        self.members = [(unhex(v["accountId"]), unhex(v["falconPublicKey"])) for v in report["validators"]]
        encoding = self.id.to_bytes(8, "little") + compact(len(self.members))
        for account, key in self.members:
            if len(account) != 32 or len(key) != 1793:
                raise Invalid("a member has wrong sizes")
            encoding += account + key
        self.hash = blake2b(encoding + bytes([self.policy]))
        if self.hash != unhex(report["setHash"]):
            raise Invalid("the set's hash is not that of its members")
        self.quorum = quorum(self.policy, len(self.members))


QUANTUM_STATE = 4 + 4 + 4 + 32 + 4 + 4 + 4


def check_quantum_state(raw, score):
    reader = Reader(raw)
    reader.integer(4), reader.integer(4)
    average = reader.integer(4)
    reader.take(32), reader.integer(4)
    low, high = reader.integer(4), reader.integer(4)
    if not low <= average <= high <= 10_000 or average > 1_100:
        raise Invalid("QBER out of range")
    if score != 100 * (1_100 - average) // 1_100:
        raise Invalid("the score does not follow from the QBER")


def verify_certificate(data, validators, genesis_hash):
    """Returns (block hash, block number) of a valid certificate; raises Invalid."""
    reader = Reader(data)
    if reader.integer(1) != 1:
        raise Invalid("unknown version")
    set_id, set_hash, round_number = reader.integer(8), reader.take(32), reader.integer(8)
    block_hash, block_number, policy = reader.take(32), reader.integer(4), reader.integer(1)
    if (set_id, set_hash, policy) != (validators.id, validators.hash, validators.policy):
        raise Invalid("another validator set")
    if block_hash == bytes(32) or round_number >= 1 << 63:
        raise Invalid("no block is certified")
    count = reader.compact()
    if not validators.quorum <= count <= len(validators.members):
        raise Invalid(f"{count} votes, {validators.quorum} needed")
    previous = -1
    for _ in range(count):
        index, score = reader.integer(2), reader.integer(8)
        state, signature = reader.take(QUANTUM_STATE), reader.take(1280)
        if not previous < index < len(validators.members):
            raise Invalid("validator indices do not increase")
        previous = index
        check_quantum_state(state, score)
        account, key = validators.members[index]
        message = (
            b"quantumharmony/coherence/vote/1"
            + genesis_hash
            + set_id.to_bytes(8, "little")
            + set_hash
            + round_number.to_bytes(8, "little")
            + bytes([1])
            + account
            + block_number.to_bytes(4, "little")
            + block_hash
            + score.to_bytes(8, "little")
            + state
        )
        if signature[0] != 0x3A or not verify(key, message, signature):
            raise Invalid(f"bad signature of validator {index}")
    reader.finish()
    return block_hash, block_number


def header_facts(data):
    """Returns (parent hash, number, hash) of a SCALE header."""
    reader = Reader(data)
    parent, number = reader.take(32), reader.compact()
    return parent, number, blake2b(data)


def main():
    request = json.load(sys.stdin)
    try:
        validators = ValidatorSet(request["validators"])
        proof = request["proof"]
        block_hash, block_number = verify_certificate(
            unhex(proof["certificate"]), validators, unhex(request["genesisHash"])
        )
        headers = [header_facts(unhex(header)) for header in proof["headers"]]
        if not headers or headers[0][1] != request["number"]:
            raise Invalid("the headers do not begin at the height asked for")
        for (_, _, parent_hash), (named, _, _) in zip(headers, headers[1:]):
            if named != parent_hash:
                raise Invalid("the headers are no chain")
        if headers[-1][2] != block_hash or headers[-1][1] != block_number:
            raise Invalid("the headers do not lead to the certified block")
    except Invalid as reason:
        print(f"INVALID {reason}")
        return 1
    print(f"VALID {block_number}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
