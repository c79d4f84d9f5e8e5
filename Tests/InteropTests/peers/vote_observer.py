"""What an observer without code of ours makes of the topic of votes: the SCALE bytes are read by
hand (docs/protocol.md), and signatures are verified by PQClean's Falcon.
"""

import json
import pathlib
import sys

from pqcrypto.sign.falcon_padded_1024 import verify

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from verify_certificate import (
    QUANTUM_STATE, Invalid, Reader, ValidatorSet, check_quantum_state, unhex, verify_certificate,
)

VOTE, CERTIFICATE = 0, 2


class Observer:
    def __init__(self, genesis, validators):
        self.genesis = unhex(genesis)
        self.validators = ValidatorSet(json.loads(validators))
        self.keys = dict(self.validators.members)
        self.votes, self.certified = {}, set()

    def take(self, message):
        """Reads and verifies one message of the topic; raises Invalid."""
        if message[0] == VOTE:
            self.take_vote(message[1:])
        elif message[0] == CERTIFICATE:
            self.certified.add(verify_certificate(message[1:], self.validators, self.genesis)[1])
        elif message[0] not in (6, 7):
            raise Invalid(f"a message of kind {message[0]} on the topic")

    def take_vote(self, data):
        reader = Reader(data)
        validator, block_hash, number = reader.take(32), reader.take(32), reader.integer(4)
        score, state = reader.integer(8), reader.take(QUANTUM_STATE)
        if reader.compact() != 1280:
            raise Invalid("a signature of another length")
        signature, phase = reader.take(1280), reader.integer(1)
        round_number, set_id = reader.integer(8), reader.integer(8)
        reader.finish()
        if set_id != self.validators.id or phase > 1 or round_number >= 1 << 63:
            raise Invalid("another set, phase or round")
        if block_hash != bytes(32):
            check_quantum_state(state, score)
        elif number or score or any(state):
            raise Invalid("a vote for nothing says something")
        message = (
            b"quantumharmony/coherence/vote/1" + self.genesis + set_id.to_bytes(8, "little")
            + self.validators.hash + round_number.to_bytes(8, "little") + bytes([phase])
            + validator + number.to_bytes(4, "little") + block_hash + score.to_bytes(8, "little")
            + state
        )
        if validator not in self.keys:
            raise Invalid("nobody of the set")
        if signature[0] != 0x3A or not verify(self.keys[validator], message, signature):
            raise Invalid("a bad signature")
        slot = (round_number, phase, validator)
        if self.votes.setdefault(slot, block_hash) != block_hash:
            raise Invalid("two votes of one slot")

    def has_seen(self, count):
        """Whether so many votes of every validator came, and a certificate."""
        voters = [validator for _, _, validator in self.votes]
        return bool(self.certified) and all(voters.count(key) >= count for key in self.keys)

    def report(self):
        return {
            "votes": len(self.votes), "voters": len({key for _, _, key in self.votes}),
            "phases": len({phase for _, phase, _ in self.votes}),
            "certificates": len(self.certified), "highest": max(self.certified, default=0),
        }
