"""Calls every RPC method that a node lists, with a third-party client: rpc_walk.py PORT.

Calls go over HTTP (urllib) and over WebSocket (websocket-client) and must have the same answer where it
does not change by itself. Prints a JSON object: for each method its result, and for subscriptions the first
notification; under "uncalled" the methods that nobody here knows how to call.
"""

import json
import sys
import urllib.request

from websocket import create_connection

port = int(sys.argv[1])
socket = create_connection(f"ws://127.0.0.1:{port}", timeout=30)
notifications = []


def over_http(method, params):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}",
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def receive():
    """The next response; notifications are put aside."""
    while True:
        message = json.loads(socket.recv())
        if "id" in message:
            return message
        notifications.append(message)


def call(method, params, name="a"):
    socket.send(json.dumps({"jsonrpc": "2.0", "id": name, "method": method, "params": params}))
    answer = receive()
    assert answer["id"] == name, answer
    return answer


def result(method, params):
    answer = call(method, params)
    assert "result" in answer, (method, answer)
    return answer["result"]


def notification(subscription):
    """The first notification of a subscription."""
    while True:
        for message in notifications:
            if message["params"]["subscription"] == subscription:
                return message
        notifications.append(json.loads(socket.recv()))


final = result("chain_getFinalizedHead", [])
number = int(result("chain_getHeader", [final])["number"], 16)
key = "0x" + "0a" * 32
peer = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"

# What each method is called with.
CALLS = {
    "rpc_methods": [],
    "rpc.discover": [],
    **dict.fromkeys(
        [
            "system_name", "system_version", "system_chain", "system_chainType", "system_properties",
            "system_localPeerId", "system_nodeRoles", "system_localListenAddresses", "system_health",
            "system_syncState", "system_peers", "system_reservedPeers", "system_resetLogFilter",
            "system_unstable_networkState", "chain_getFinalizedHead", "chain_getFinalisedHead",
            "chain_getHead", "author_pendingExtrinsics", "coherence_roundState",
            "coherence_validators", "coherence_bans", "coherence_timings", "coherence_statistics",
            "author_rotateKeys",
        ],
        [],
    ),
    **dict.fromkeys(
        ["chain_getHeader", "chain_getBlock", "state_getRuntimeVersion", "chain_getRuntimeVersion",
         "state_getMetadata", "coherence_votes"],
        [final],
    ),
    "chain_getBlockHash": [[0, hex(number), 4_000_000_000]],
    "state_call": ["Metadata_metadata_at_version", "0x0f000000", final],
    "system_addReservedPeer": [f"/ip4/127.0.0.1/tcp/1/p2p/{peer}"],
    "system_removeReservedPeer": [peer],
    "system_addLogFilter": ["sync=debug"],
    "coherence_proveFinality": [number],
    "coherence_handOffs": [0],
    # Refused, as a garbled extrinsic has to be.
    "author_submitExtrinsic": ["0x00"],
    # Where a node has them.
    "author_insertKey": ["cohe", "//Nobody", key],
    "author_hasKey": [key, "cohe"],
    "author_hasSessionKeys": [key],
}
# The methods that end a subscription, by those that make one.
SUBSCRIPTIONS = {
    "chain_subscribeNewHeads": "chain_unsubscribeNewHeads",
    "chain_subscribeNewHead": "chain_unsubscribeNewHead",
    "subscribe_newHead": "unsubscribe_newHead",
    "chain_subscribeAllHeads": "chain_unsubscribeAllHeads",
    "chain_subscribeFinalizedHeads": "chain_unsubscribeFinalizedHeads",
    "chain_subscribeFinalisedHeads": "chain_unsubscribeFinalisedHeads",
    "coherence_subscribeCertificates": "coherence_unsubscribeCertificates",
    "coherence_subscribeVotes": "coherence_unsubscribeVotes",
}
CHANGING = {
    "system_health", "system_peers", "system_syncState", "system_unstable_networkState",
    "chain_getHead", "chain_getFinalizedHead", "chain_getFinalisedHead", "coherence_roundState",
    "coherence_timings", "coherence_statistics", "coherence_votes", "author_rotateKeys",
    "author_pendingExtrinsics", "system_addReservedPeer", "system_removeReservedPeer",
    "chain_getBlock", "coherence_bans",
}

walk = {"results": {}, "errors": {}, "notifications": {}, "uncalled": []}
for method in result("rpc_methods", [])["methods"]:
    if method in SUBSCRIPTIONS:
        subscription = result(method, [])
        walk["results"][method] = subscription
        walk["notifications"][method] = notification(subscription)
        walk["results"][SUBSCRIPTIONS[method]] = result(SUBSCRIPTIONS[method], [subscription])
        assert result(SUBSCRIPTIONS[method], [subscription]) is False, method
        assert "error" in over_http(method, []), method
    elif method in CALLS:
        answer = call(method, CALLS[method])
        if "error" in answer:
            walk["errors"][method] = answer["error"]
        else:
            walk["results"][method] = answer["result"]
        if method not in CHANGING:
            other = over_http(method, CALLS[method])
            for part in ["result", "error"]:
                assert answer.get(part) == other.get(part), (method, answer, other)
    elif method not in SUBSCRIPTIONS.values():
        walk["uncalled"].append(method)
socket.close()
print(json.dumps(walk))
