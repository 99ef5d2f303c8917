"""herd.py HOST PORT MAXIMUM COUNT SERVER_PID: a full server, and COUNT newcomers at once, who must all be refused soon.

Says how long that took, and what the server's processor time was in it and in the second after. When one leaves, another
is welcome.
"""

import sys
import time

from common import check, connect, raise_descriptor_limit, say, serves

host, port, maximum, count, server = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
REFUSAL_SECONDS = 10


def processor_seconds():
    """The CPU time of another process: its clock's number is made as clock_getcpuclockid makes it."""
    return time.clock_gettime(~server << 3 | 2)


raise_descriptor_limit()
connections = [connect(host, port) for _ in range(maximum)]
check(all([serves(connection) for connection in connections]), "a connection within the limit is not served")
start, used = time.monotonic(), processor_seconds()
newcomers = []
for _ in range(count):
    try:
        newcomers.append(connect(host, port))
    except ConnectionResetError:
        # Refused before it knew that it was connected.
        pass
deadline = start + REFUSAL_SECONDS
for newcomer in newcomers:
    newcomer.settimeout(max(0.01, deadline - time.monotonic()))
    try:
        check(newcomer.recv(1) == b"", "bytes from nowhere")
    except ConnectionResetError:
        pass
    except TimeoutError:
        sys.exit("a newcomer past the limit is left hanging")
say(f"refusal seconds {time.monotonic() - start:.3f}")
time.sleep(1)
say(f"processor seconds {processor_seconds() - used:.3f}")
check(all([serves(connection) for connection in connections]), "refusing others has hurt a connection")
connections.pop().close()
deadline = time.monotonic() + REFUSAL_SECONDS
while not serves(connect(host, port)):
    check(time.monotonic() < deadline, "a place that has become free is not given to another")
    time.sleep(0.01)
