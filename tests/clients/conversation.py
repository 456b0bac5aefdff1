"""What tests/clients.rs and a driver of a Python library say to each other.

A driver makes its library discover the nodes behind `HOST PORT`, its arguments, and says so with
`{"version": …}`, the version of the library. Then it answers each line that it reads with a line:

    nodes         {"nodes": ["host:port", …]}: where the library would store keys now
    discover      {}: it has asked the endpoint again; for libraries that don't by themselves
    store KEY …   {}: every key is stored
    read KEY …    {}: every key is read, and has the value that was stored

What goes wrong is `{"error": …}`. A driver ends when there is no more to read. A client has `LIBRARY`,
its name among packages, and `discover(host, port)`, `nodes()`, `set(key, value)` and `get(key)`, each
of which may be a coroutine. tests/clients/conversation.js is the same for Node.
"""

import asyncio
import importlib.metadata
import inspect
import json
import logging
import os
import sys
import traceback

# How often a library that polls does so.
POLL_SECONDS = 0.1


async def result(value):
    return await value if inspect.isawaitable(value) else value


async def answer(client, command, endpoint):
    match command.split():
        case ["nodes"]:
            nodes = await result(client.nodes())
            return {"nodes": [f"{host}:{port}" for host, port in nodes]}
        case ["discover"]:
            await result(client.discover(*endpoint))
        case ["store", *keys]:
            for key in keys:
                if not await result(client.set(key, f"value of {key}")):
                    raise RuntimeError(f"{key} was not stored")
        case ["read", *keys]:
            for key in keys:
                value = await result(client.get(key))
                if isinstance(value, bytes):
                    value = value.decode()
                if value != f"value of {key}":
                    raise RuntimeError(f"{key} is read as {value!r}")
        case _:
            raise RuntimeError(f"what is {command!r}?")
    return {}


async def converse(client, endpoint):
    async def begin():
        await result(client.discover(*endpoint))
        return {"version": importlib.metadata.version(client.LIBRARY)}

    turn = begin()
    while True:
        try:
            said = await turn
        except Exception as error:
            traceback.print_exc()
            said = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)
        # Elsewhere, since libraries poll in this loop while the test thinks.
        command = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        if not command:
            return
        turn = answer(client, command, endpoint)


def run(client):
    # What the libraries log goes to stderr, where it explains a failure.
    logging.basicConfig(level=logging.WARNING)
    host, port = sys.argv[1:]
    asyncio.run(converse(client, (host, int(port))))
    # At once: some libraries poll in threads that would keep the process.
    os._exit(0)
