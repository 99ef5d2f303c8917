"""hostile.py HOST PORT KIND SECONDS SEED: connections that no client of good will makes. Says how many.

KIND is scan (connect and close at once), reset (connect and reset), silent (connect and say nothing), random (random
bytes, read or not, ended in any way) or single (one byte at a time, each verified).
"""

import random
import socket
import sys
import time

from common import check, connect, raise_descriptor_limit, reset, say

host, port, kind, seconds, seed = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]), sys.argv[5]
SILENT_COUNT = 500
SINGLE_COUNT = 20

choice = random.Random(seed)
raise_descriptor_limit()
count = 0
end = time.monotonic() + seconds


def come():
    # Closing first leaves the port in TIME_WAIT: the ports of one address would be used up in seconds.
    global count
    count += 1
    return connect(host, port, source=f"127.{choice.randint(1, 254)}.{choice.randint(0, 255)}.{choice.randint(1, 254)}")


def babble():
    connection = come()
    connection.setblocking(False)
    sent = choice.randbytes(choice.choice([1, 100, 5000, 300_000]))
    try:
        connection.send(sent)
        if choice.random() < 0.3:
            connection.shutdown(socket.SHUT_WR)
        if choice.random() < 0.5:
            time.sleep(choice.uniform(0, 0.01))
            received = connection.recv(len(sent))
            check(sent.startswith(received), f"bytes came back that were not sent (seed {seed})")
    except BlockingIOError:
        pass
    choice.choice([reset, socket.socket.close])(connection)


if kind == "scan":
    while time.monotonic() < end:
        come().close()
elif kind == "reset":
    while time.monotonic() < end:
        reset(come())
elif kind == "silent":
    silent = [come() for _ in range(SILENT_COUNT)]
    while time.monotonic() < end:
        place = choice.randrange(len(silent))
        choice.choice([reset, socket.socket.close])(silent[place])
        silent[place] = come()
elif kind == "random":
    while time.monotonic() < end:
        babble()
elif kind == "single":
    connections = [come() for _ in range(SINGLE_COUNT)]
    while time.monotonic() < end:
        bytes_sent = choice.randbytes(len(connections))
        for connection, byte in zip(connections, bytes_sent):
            connection.send(bytes([byte]))
        for connection, byte in zip(connections, bytes_sent):
            check(connection.recv(1) == bytes([byte]), f"a byte came back wrong (seed {seed})")
else:
    sys.exit(f"no kind {kind}")
say(f"connected {count}")
