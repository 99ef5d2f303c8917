"""chunks.py HOST PORT single|random SEED: one stream, cut into pieces; half-closed, and read to its end."""

import random
import sys
import threading

from common import Pattern, check, check_bytes, connect

host, port, cut, seed = sys.argv[1:]
choice = random.Random(seed)
pattern = Pattern(seed)
if cut == "single":
    sizes = [1] * 3000
else:
    # As many small pieces as large ones.
    sizes = [int(2 ** choice.uniform(0, 18)) for _ in range(200)]
connection = connect(host, port)


def send():
    offset = 0
    for size in sizes:
        connection.sendall(pattern(offset, size))
        offset += size
    connection.shutdown(1)


sender = threading.Thread(target=send, daemon=True)
sender.start()
offset = 0
while part := connection.recv(int(2 ** choice.uniform(0, 18))):
    check_bytes(pattern, offset, part)
    offset += len(part)
check(offset == sum(sizes), f"{offset} of {sum(sizes)} bytes came back before the end (seed {seed})")
