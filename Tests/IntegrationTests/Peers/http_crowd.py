"""http_crowd.py HOST PORT FOLDER CLIENTS ROUNDS MANNERS: downloads by many at once, each on a connection of its own.

They take any file of the folder, and compare each byte. Of rude ones every third download ends amid it, by a reset.
"""

import os
import random
import sys
import threading
import time

from common import check, connect, reset
from http_client import get

host, port, folder, client_count, round_count, manners = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5]), sys.argv[6]
files = {name: open(os.path.join(folder, name), "rb").read() for name in os.listdir(folder)}
failures = []


def download(choice, breaks_off):
    name = choice.choice(sorted(files))
    connection = connect(host, port)
    connection.sendall(get("/" + name, "Connection: close"))
    received = bytearray()
    end = choice.randrange(len(files[name])) if breaks_off else None
    while part := connection.recv(choice.choice([1000, 1 << 16, 1 << 20])):
        received += part
        if end is not None and len(received) > end:
            return reset(connection)
        time.sleep(choice.choice([0, 0, 0.002]))
    connection.close()
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 ") or body != files[name]:
        wrong = next((i for i, (a, b) in enumerate(zip(body, files[name])) if a != b), None)
        failures.append(f"{name}: {head[:20]}, {len(body)} of {len(files[name])} bytes, the first other one at {wrong}")


def client(seed):
    choice = random.Random(seed)
    for count in range(round_count):
        try:
            download(choice, manners == "rude" and count % 3 == 2)
        except OSError as error:
            failures.append(repr(error))


threads = [threading.Thread(target=client, args=[seed]) for seed in range(client_count)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
check(not failures, "\n".join(failures[:5]))
