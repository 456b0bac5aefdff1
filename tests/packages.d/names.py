"""Whether a binary finds names and asks upstreams where there is nothing but itself and /etc/resolv.conf: names.py BINARY DIRECTORY

To be run in a network of its own, which has this resolver at 127.0.0.1 and no other. DIRECTORY becomes the binary's root.
"""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time

NAMES = {"old.example": "127.0.0.2", "nodes.example": "127.0.0.7"}
FOUND = ["10.0.0.1|10.0.0.1|11211", "127.0.0.7|127.0.0.7|11211"]


def answer(question):
    """The address of a name that there is, no address of another kind, and a denial of all other names."""
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode())
        at += 1 + question[at]
    asked = question[12 : at + 5]
    address = NAMES.get(".".join(labels).lower())
    is_asked = address is not None and asked[-4:-2] == b"\0\1"
    flags = b"\x81\x80" if address else b"\x81\x83"
    head = question[:2] + flags + b"\0\1" + (b"\0\1" if is_asked else b"\0\0") + b"\0\0\0\0"
    record = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + socket.inet_aton(address) if is_asked else b""
    return head + asked + record


def resolver():
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind(("127.0.0.1", 53))

    def serve():
        while True:
            question, client = listening.recvfrom(512)
            listening.sendto(answer(question), client)

    threading.Thread(target=serve, daemon=True).start()


def served(port):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"config get cluster\r\nquit\r\n")
        return client.makefile("rb").read().decode()


def main(binary, root):
    os.makedirs(f"{root}/etc")
    shutil.copy(binary, f"{root}/mimikyu")
    with open(f"{root}/etc/resolv.conf", "w") as file:
        file.write("nameserver 127.0.0.1\n")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    resolver()
    common = ["chroot", root, "/mimikyu", "serve", "--admin", "none", "--poll-interval", "100ms", "--listen"]
    started = [
        subprocess.Popen(common + ["127.0.0.2:11311", "--static", "nodes=10.0.0.1:11211"]),
        subprocess.Popen(
            common + ["127.0.0.1:11211", "--upstream", "old=old.example:11311", "--dns", "more=nodes.example:11211"]
        ),
    ]
    said, deadline = "nothing", time.monotonic() + 15
    while not all(node in said for node in FOUND) and time.monotonic() < deadline:
        try:
            said = served(11211)
        except OSError as error:
            said = str(error)
        time.sleep(0.05)
    for process in started:
        process.terminate()
    statuses = [process.wait(10) for process in started]
    if not all(node in said for node in FOUND):
        sys.exit(f"not what the names stand for: {said}")
    sys.exit(any(statuses))


main(*sys.argv[1:])
