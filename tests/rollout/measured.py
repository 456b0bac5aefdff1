"""A rollout with real memcached nodes and two real client libraries under load: the hit rate that each step leaves, beside
the predicted one. Prints a table for docs/migrating.md; exits with 1 where they differ, and with 3 where a step was not seen.

    python3 measured.py MIMIKYU [--nodes 6] [--interval 6] [--keys 3000] [--strategy swap] [--svg FILE]

Needs python-memcached and pymemcache (tests/clients/requirements.txt) and memcached. Each client goes through all its keys again and
again, as a cache is used: what it misses it stores. The first pass after a step shows what the step cost.
"""

import argparse
import datetime
import json
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import memcache
import pymemcache.client.hash

# The share of keys by which a pass may differ from the prediction, which is made with other keys.
TOLERATED = 0.04
PATIENCE = 60
MISSED = 3


class Node:
    """A real memcached, of which no other has the address."""

    def __init__(self, number):
        self.address = f"127.0.3.{number}"
        for _ in range(20):
            with socket.socket() as free:
                free.bind((self.address, 0))
                self.port = free.getsockname()[1]
            arguments = ["-u", "root", "-l", self.address, "-p", str(self.port), "-U", "0", "-m", "64"]
            self.process = subprocess.Popen(["memcached", *arguments], stderr=subprocess.DEVNULL)
            if until(lambda: self.process.poll() is not None or self.is_there()) and self.process.poll() is None:
                return
        sys.exit("memcached found no free port")

    def is_there(self):
        try:
            socket.create_connection((self.address, self.port), 1).close()
            return True
        except OSError:
            return False

    def store(self, key, value):
        with socket.create_connection((self.address, self.port), PATIENCE) as stream:
            stream.sendall(b"set %s 0 0 %d\r\n%s\r\n" % (key, len(value), value))
            assert stream.recv(64) == b"STORED\r\n"


def until(condition):
    """Waits until it holds; not for ever."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    sys.exit("waited in vain")


def modulo(nodes):
    """python-memcached: by place, as most modulo clients."""
    client = memcache.Client([f"{ip}:{port}" for ip, port in nodes])
    return client.get, client.set


def rendezvous(nodes):
    """pymemcache: by address."""
    client = pymemcache.client.hash.HashClient(nodes, timeout=10, no_delay=True)
    return client.get, client.set


CLIENTS = {"python-memcached": modulo, "pymemcache-rendezvous": rendezvous}


class Load(threading.Thread):
    """Goes through the keys again and again, with the list as it is at the time."""

    def __init__(self, family, address, keys):
        super().__init__(daemon=True)
        self.family, self.address = family, address
        chance = random.Random(family)
        self.keys = [f"user:{chance.getrandbits(48):012x}" for _ in range(keys)]
        self.is_over = False
        # Of each list the hit rates of the passes that began and ended with it.
        self.passes = {}

    def run(self):
        version = None
        while not self.is_over:
            now, nodes = ask(self.address)
            if now != version:
                get, put = CLIENTS[self.family](nodes)
                version = now
            hits = 0
            for key in self.keys:
                if get(key) is not None:
                    hits += 1
                else:
                    put(key, "x")
            self.passes.setdefault(version, []).append(hits / len(self.keys))


def ask(address):
    """The version and the nodes, as an application asks for them."""
    with socket.create_connection(address, PATIENCE) as stream:
        stream.sendall(b"config get cluster\r\n")
        reply = b""
        while not reply.endswith(b"END\r\n"):
            reply += stream.recv(65536)
    _, version, nodes = reply.decode().split("\n")[:3]
    fields = (node.split("|") for node in nodes.split(" "))
    return int(version), [(ip, int(port)) for _, ip, port in fields]


def configuration(directory, endpoints, strategy, start, interval):
    text = f'listen = "127.0.0.1:0"\nadmin = "127.0.0.1:0"\npoll_interval = "200ms"\n'
    for name, endpoint in endpoints.items():
        text += f'[[source]]\nname = "{name}"\nupstream = "{endpoint.address}:{endpoint.port}"\n'
    clients = json.dumps(list(CLIENTS))
    text += f'[rollout]\nfrom = "old"\nto = "new"\nstrategy = "{strategy}"\nclients = {clients}\n'
    text += f'start = {start.strftime("%Y-%m-%dT%H:%M:%SZ")}\ninterval = "{interval}s"\n'
    file = pathlib.Path(directory, "mimikyu.toml")
    file.write_text(text)
    return file


def field(line, name):
    return line.split(f"{name}=")[1].split(" ")[0].strip('"')


def picture(rows, file):
    """A chart a client: what a step's first pass hit, beside what was predicted."""
    steps = sorted({step for step, *_ in rows})
    wide, high, left = 60 * len(steps) + 70, 190, 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{len(CLIENTS) * high + 45}" '
        'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
    ]
    for place, family in enumerate(CLIENTS):
        bottom = place * high + high - 30
        y = lambda share: bottom - share * 120
        parts.append(f'<text x="{left}" y="{bottom - 135}" font-weight="bold">{family}</text>')
        for share in (0, 0.5, 1):
            parts.append(f'<line x1="{left}" x2="{wide - 10}" y1="{y(share)}" y2="{y(share)}" stroke="#ddd"/>')
            parts.append(f'<text x="{left - 6}" y="{y(share) + 4}" text-anchor="end">{share:.0%}</text>')
        for step, client, predicted, measured, _ in rows:
            if client == family:
                x = left + 12 + 60 * steps.index(step)
                for offset, share, colour in ((0, predicted, "#9db7d5"), (18, measured, "#1f5fa8")):
                    parts.append(
                        f'<rect x="{x + offset}" y="{y(share):.1f}" width="16" height="{share * 120:.1f}" fill="{colour}"/>'
                    )
                parts.append(f'<text x="{x + 17}" y="{bottom + 15}" text-anchor="middle">{step}</text>')
    legend = len(CLIENTS) * high + 15
    for x, colour, text in ((left, "#9db7d5", "predicted"), (left + 100, "#1f5fa8", "measured")):
        parts.append(f'<rect x="{x}" y="{legend - 10}" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 18}" y="{legend}">{text}</text>')
    parts.append(f'<text x="{left}" y="{legend + 20}">hit rate of the first pass after each step</text></svg>')
    pathlib.Path(file).write_text("\n".join(parts) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mimikyu")
    parser.add_argument("--nodes", type=int, default=6)
    parser.add_argument("--interval", type=int, default=6)
    parser.add_argument("--keys", type=int, default=3000)
    parser.add_argument("--strategy", default="swap")
    parser.add_argument("--svg")
    given = parser.parse_args()
    nodes, daemon = [], None
    with tempfile.TemporaryDirectory() as directory:
        try:
            nodes = [Node(number) for number in range(1, 2 * given.nodes + 3)]
            endpoints = dict(zip(("old", "new"), nodes))
            clusters = nodes[2 : 2 + given.nodes], nodes[2 + given.nodes :]
            for endpoint, cluster in zip(endpoints.values(), clusters):
                listed = " ".join(f"{node.address}|{node.address}|{node.port}" for node in cluster)
                endpoint.store(b"AmazonElastiCache:cluster", f"7\n{listed}\n".encode())
            start = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2 + given.interval)
            file = configuration(directory, endpoints, given.strategy, start, given.interval)
            daemon = subprocess.Popen([given.mimikyu, "--config", file], stderr=subprocess.PIPE, text=True)
            line = next(line for line in daemon.stderr if " ready " in line)
            threading.Thread(target=daemon.stderr.read, daemon=True).start()
            host, port = field(line, "listen").split(":")
            loads = [Load(family, (host, int(port)), given.keys) for family in CLIENTS]
            for load in loads:
                load.start()

            def plan():
                with urllib.request.urlopen(f"http://{field(line, 'admin')}/rollout", timeout=PATIENCE) as answer:
                    return json.load(answer)

            taken = {}
            ends = time.monotonic() + (given.interval + 2) * (2 * given.nodes + 4)
            while not (told := plan()) or told["rollout"]["progress"] != "done":
                if time.monotonic() > ends:
                    sys.exit(f"it is not done: {told['rollout']}")
                taken.setdefault(told["rollout"]["step"], ask((host, int(port)))[0])
                time.sleep(0.2)
            last = told["rollout"]["step"]
            taken[last] = ask((host, int(port)))[0]
            until(lambda: all(len(load.passes.get(taken[last], [])) > 1 for load in loads))
            for load in loads:
                load.is_over = True
                load.join()
            rows = []
            for step in told["steps"]:
                for moves in step["moves"]:
                    passes = next(load.passes for load in loads if load.family == moves["client"])
                    seen = passes.get(taken.get(step["step"]), [])
                    if seen:
                        rows.append((step["step"], moves["client"], 1 - moves["share"], seen[0], seen[-1]))
            print(f"{given.strategy}, {given.nodes} + {given.nodes} nodes, {given.keys} keys, a step every {given.interval} s\n")
            print("| step | client | predicted | measured, first pass | last pass before the next step |")
            print("|--:|---|--:|--:|--:|")
            for step, client, predicted, first, end in rows:
                print(f"| {step} | {client} | {predicted:.1%} | {first:.1%} | {end:.1%} |")
            if given.svg:
                picture(rows, given.svg)
            # A key that comes back to a node which it has been on before hits what was left there. In a swap none does.
            may_hit_more = given.strategy != "swap"
            wrong = [
                row for row in rows if row[2] - row[3] > TOLERATED or (row[3] - row[2] > TOLERATED and not may_hit_more)
            ]
            if wrong:
                sys.exit(f"predicted and measured differ by more than {TOLERATED:.0%}: {wrong}")
            if len(rows) < last * len(CLIENTS):
                print("a client was too slow to see every step: take a longer interval", file=sys.stderr)
                sys.exit(MISSED)
        finally:
            for process in [daemon, *(node.process for node in nodes)]:
                if process:
                    process.kill()
                    process.wait()


main()
