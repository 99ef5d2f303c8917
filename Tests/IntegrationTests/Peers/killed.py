"""killed.py HOST PORT SECONDS CONNECTIONS SEED: client processes that are killed in the middle of what they do.

Each has some connections, and as many processes run as have CONNECTIONS together. What they had not read ends in a reset,
the rest in an end of stream. Says how many were killed.
"""

import ctypes
import os
import random
import select
import signal
import sys
import time

from common import Pattern, connect, say

host, port, seconds, limit, seed = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
CONNECTIONS_A_PROCESS = 4
PR_SET_PDEATHSIG = 1

choice = random.Random(seed)
pattern = Pattern(seed)
libc = ctypes.CDLL(None)


def live(choice):
    """One client: sends and reads as it likes, until it is killed. A refused one tries again."""
    while True:
        try:
            connections = [connect(host, port) for _ in range(CONNECTIONS_A_PROCESS)]
            readers = [connection for connection in connections if choice.random() < 0.5]
            writers = [connection for connection in connections if choice.random() < 0.7]
            for connection in connections:
                connection.setblocking(False)
            while True:
                readable, writable, _ = select.select(readers, writers, [])
                for connection in readable:
                    if not connection.recv(1 << 16):
                        readers.remove(connection)
                for connection in writable:
                    connection.send(pattern(choice.randrange(1 << 20), choice.choice([1, 100, 10_000, 1 << 18])))
                    if choice.random() < 0.01:
                        connection.shutdown(1)
                        writers.remove(connection)
        except OSError:
            time.sleep(0.01)


def start():
    number = choice.random()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        # It goes when its parent goes, also when that is killed.
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:
            live(random.Random(number))
        os._exit(1)
    return child


killed_count = 0
deaths = []
end = time.monotonic() + seconds
while time.monotonic() < end:
    now = time.monotonic()
    while len(deaths) < limit // CONNECTIONS_A_PROCESS:
        deaths.append((now + choice.uniform(0.01, 0.5), start()))
    deaths.sort()
    time.sleep(max(0, min(deaths[0][0], end) - time.monotonic()))
    while deaths and deaths[0][0] <= time.monotonic():
        _, child = deaths.pop(0)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        killed_count += 1
for _, child in deaths:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    killed_count += 1
say(f"killed {killed_count}")
