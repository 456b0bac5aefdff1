"""Clients that ask all the while a service is restarted six times: clients.py PORT. Every one must be answered."""

import socket
import subprocess
import sys
import threading

answered, failed, stop = [], [], threading.Event()


def ask():
    while not stop.is_set():
        try:
            with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10) as client:
                client.sendall(b"config get cluster\r\nquit\r\n")
                answer = b"".join(iter(lambda: client.recv(4096), b""))
            (answered if answer.endswith(b"END\r\n") else failed).append(answer)
        except OSError as error:
            failed.append(error)


clients = [threading.Thread(target=ask) for _ in range(4)]
for client in clients:
    client.start()
try:
    for _ in range(6):
        subprocess.run(["systemctl", "restart", "mimikyu"], check=True, timeout=20)
finally:
    stop.set()
for client in clients:
    client.join()
print(f"{len(answered)} answers, {len(failed)} failures over six restarts", *failed[:3])
sys.exit(bool(failed) or not answered)
