"""Drives a client library of Substrate chains against a node: substrate_client.py LIBRARY PORT.

LIBRARY is py-substrate-interface or async-substrate-interface; each needs a Python of its own.
Prints one JSON object of what the library made of the node's answers.
"""

import asyncio
import json
import sys

UPDATES = 3


def logs(header):
    """The digest items as the library decoded them: their names."""
    items = header["digest"]["logs"]
    return [next(iter(item.value if hasattr(item, "value") else item)) for item in items]


def plain(url):
    from substrateinterface import SubstrateInterface

    with SubstrateInterface(url=url) as chain:
        head = chain.get_chain_head()
        final = chain.get_chain_finalised_head()
        block = chain.get_block(block_hash=head)
        header = chain.get_block_header(block_hash=final)
        told = {}
        for name, finalised in [("heads", False), ("finalised", True)]:
            seen = told[name] = []

            def handler(update, number, subscription):
                seen.append(update["header"]["number"])
                return "done" if len(seen) >= UPDATES else None

            assert chain.subscribe_block_headers(handler, finalized_only=finalised) == "done"
        return {
            "chain": chain.chain,
            "name": chain.name,
            "version": chain.version,
            "ss58": chain.ss58_format,
            "head": head,
            "finalHash": final,
            "blockHash": block["header"]["hash"],
            "number": block["header"]["number"],
            "parent": block["header"]["parentHash"],
            "extrinsics": len(block["extrinsics"]),
            "logs": logs(block["header"]),
            "finalNumber": header["header"]["number"],
            "hashOfNumber": chain.get_block_hash(header["header"]["number"]),
            **told,
        }


async def asynchronous(url):
    from async_substrate_interface import AsyncSubstrateInterface

    async with AsyncSubstrateInterface(url) as chain:
        head = await chain.get_chain_head()
        final = await chain.get_chain_finalised_head()
        block = await chain.get_block(block_hash=head)
        header = await chain.get_block_header(block_hash=final)
        told = {}
        for name, finalised in [("heads", False), ("finalised", True)]:
            seen = told[name] = []

            async def handler(update):
                seen.append(update["header"]["number"])
                return "done" if len(seen) >= UPDATES else None

            subscribe = chain.subscribe_block_headers
            assert await subscribe(handler, finalized_only=finalised) == "done"
        return {
            "chain": chain.chain,
            "name": await chain.name,
            "version": await chain.version,
            "ss58": chain.ss58_format,
            "head": head,
            "finalHash": final,
            "blockHash": block["header"]["hash"],
            "number": block["header"]["number"],
            "parent": block["header"]["parentHash"],
            "extrinsics": len(block["extrinsics"]),
            "logs": logs(block["header"]),
            "finalNumber": header["header"]["number"],
            "hashOfNumber": await chain.get_block_hash(header["header"]["number"]),
            **told,
        }


library, port = sys.argv[1:]
url = f"ws://127.0.0.1:{port}"
result = plain(url) if library == "py-substrate-interface" else asyncio.run(asynchronous(url))
print(json.dumps(result))
