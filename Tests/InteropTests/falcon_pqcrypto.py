"""The other side of FalconPQCryptoTests: Falcon-1024 of the package pqcrypto, line by line.

Reads one JSON object a line and answers each with one. Byte strings are hexadecimal. "scheme" is
"padded" or "variable".

  {"op": "version"}                                        -> {"version": "0.4.0"}
  {"op": "keygen", "scheme": s}                            -> {"publicKey": h, "secretKey": h}
  {"op": "sign", "scheme": s, "secretKey": h, "message": h} -> {"signature": h}
  {"op": "verify", "scheme": s, "publicKey": h, "message": h, "signature": h}
                                                           -> {"valid": true or false}

A request that fails is answered with {"error": text}.
"""

import importlib.metadata
import json
import sys

from pqcrypto.sign import falcon_1024, falcon_padded_1024

SCHEMES = {"padded": falcon_padded_1024, "variable": falcon_1024}


def answer(request):
    if request["op"] == "version":
        return {"version": importlib.metadata.version("pqcrypto")}
    scheme = SCHEMES[request["scheme"]]
    if request["op"] == "keygen":
        public_key, secret_key = scheme.generate_keypair()
        return {"publicKey": public_key.hex(), "secretKey": secret_key.hex()}
    message = bytes.fromhex(request["message"])
    if request["op"] == "sign":
        signature = scheme.sign(bytes.fromhex(request["secretKey"]), message)
        return {"signature": signature.hex()}
    if request["op"] == "verify":
        public_key = bytes.fromhex(request["publicKey"])
        signature = bytes.fromhex(request["signature"])
        return {"valid": bool(scheme.verify(public_key, message, signature))}
    raise ValueError("unknown op " + request["op"])


for line in sys.stdin:
    try:
        reply = answer(json.loads(line))
    except Exception as error:
        reply = {"error": repr(error)}
    print(json.dumps(reply), flush=True)
