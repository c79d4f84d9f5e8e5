"""Times Falcon-1024 (padded) of the package pqcrypto; for Measurements/FalconMeasurement.swift.

Reads one JSON object: {"messages": [hex], "secretKeys": [hex], "publicKeys": [hex],
"signatures": [hex], "keygenCount": n}. Signature i is of message i under key i mod the number of
keys. Writes one JSON object: the version, and the microseconds of each call of generate_keypair,
sign and verify, the binding's own cost included.
"""

import importlib.metadata
import json
import sys
import time

from pqcrypto.sign import falcon_padded_1024 as scheme


def timed(function, *arguments):
    start = time.perf_counter_ns()
    result = function(*arguments)
    return (time.perf_counter_ns() - start) / 1000, result


work = json.load(sys.stdin)
messages = [bytes.fromhex(text) for text in work["messages"]]
secret_keys = [bytes.fromhex(text) for text in work["secretKeys"]]
public_keys = [bytes.fromhex(text) for text in work["publicKeys"]]
signatures = [bytes.fromhex(text) for text in work["signatures"]]
count = len(public_keys)

keygen = [timed(scheme.generate_keypair)[0] for _ in range(work["keygenCount"])]
sign = [timed(scheme.sign, secret_keys[i % count], m)[0] for i, m in enumerate(messages)]
verify = []
for i, (message, signature) in enumerate(zip(messages, signatures)):
    duration, valid = timed(scheme.verify, public_keys[i % count], message, signature)
    if not valid:
        sys.exit("pqcrypto does not accept signature %d" % i)
    verify.append(duration)
version = importlib.metadata.version("pqcrypto")
print(json.dumps({"version": version, "keygen": keygen, "sign": sign, "verify": verify}))
