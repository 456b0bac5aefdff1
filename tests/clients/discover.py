#!/usr/bin/env python3
"""A real client finds its nodes through a configuration endpoint, stores keys on them and reads them back.

    discover.py emcache|django-elastipymemcache HOST PORT NODE:PORT,NODE:PORT…

The nodes are those that the client must find, no more and no fewer. That the keys are where the client
says is checked with plain sockets. Prints `ok <client> <n nodes>`, or says what is wrong and exits with 1.
"""

import asyncio
import logging
import os
import socket
import sys

KEYS = 200
DEADLINE_SECONDS = 20


class Wrong(Exception):
    """Something is not as it should be; the message says what."""


def address(host, port):
    """A node by its address, since some clients use the host field of the list and some the ip field."""
    found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    # IPv4 first, whatever the machine says of localhost.
    return (min(found)[4][0], int(port))


def same_nodes(found, expected):
    found = {address(host, port) for host, port in found}
    if found != expected:
        raise Wrong(f"it found {sorted(found)} and not {sorted(expected)}")


async def emcache(endpoint, expected, pairs):
    import emcache

    client = await emcache.create_client([emcache.MemcachedHostAddress(*endpoint)], autodiscovery=True)
    try:
        nodes = client.cluster_managment().nodes()
        same_nodes([(node.address, node.port) for node in nodes], expected)
        for key, value in pairs.items():
            await client.set(key, value)
        for key, value in pairs.items():
            item = await client.get(key)
            if item is None or item.value != value:
                raise Wrong(f"it stored {key} and read {item}")
    finally:
        await client.close()


def django_elastipymemcache(endpoint, expected, pairs):
    from django_elastipymemcache.client import AWSElastiCacheClient

    # It takes names with a dot in them only, so localhost is told by its number.
    host = endpoint[0] if "." in endpoint[0] else socket.gethostbyname(endpoint[0])
    client = AWSElastiCacheClient(f"{host}:{endpoint[1]}", timeout=5, connect_timeout=5)
    try:
        same_nodes([node.rsplit(":", 1) for node in client.clients], expected)
        for key, value in pairs.items():
            if not client.set(key, value, noreply=False):
                raise Wrong(f"it could not store {key}")
        for key, value in pairs.items():
            read = client.get(key)
            if read != value:
                raise Wrong(f"it stored {key} and read {read}")
    finally:
        client.close()


def keys_held(node, keys):
    """How many of the keys a node has, asked without any client library."""
    with socket.create_connection(node, timeout=5) as connection:
        connection.sendall(b"get " + b" ".join(keys) + b"\r\n")
        answer = b""
        while not answer.endswith(b"END\r\n"):
            received = connection.recv(65536)
            if not received:
                raise Wrong(f"{node} closed the connection after {answer[-80:]!r}")
            answer += received
    return answer.count(b"VALUE ")


def run(name, endpoint, expected):
    pairs = {f"mimikyu-test-{os.getpid()}-{n}".encode(): f"value-{n}".encode() for n in range(KEYS)}
    if name == "emcache":
        asyncio.run(asyncio.wait_for(emcache(endpoint, expected, pairs), DEADLINE_SECONDS))
    elif name == "django-elastipymemcache":
        django_elastipymemcache(endpoint, expected, pairs)
    else:
        raise Wrong(f"there is no client {name!r}")
    held = {node: keys_held(node, list(pairs)) for node in sorted(expected)}
    if 0 in held.values() or sum(held.values()) != KEYS:
        raise Wrong(f"the {KEYS} keys are spread like this: {held}")
    return len(held)


def main(arguments):
    if len(arguments) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    name, host, port, nodes = arguments
    # What the libraries log goes to stderr, where it explains a failure.
    logging.basicConfig(level=logging.WARNING)
    try:
        expected = {address(*node.rsplit(":", 1)) for node in nodes.split(",")}
        count = run(name, (host, int(port)), expected)
    except Exception as error:
        print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(f"ok {name} {count} nodes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
