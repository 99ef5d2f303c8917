"""queued.py HOST PORT COUNT SERVER_PID: connections that are in the listener's queue when the server is told to end.

Each must be answered soon: by an echo, an end of stream, or a reset. Says how many ended how.
"""

import os
import signal
import sys
import time

from common import check, connect, raise_descriptor_limit, say

host, port, count, server = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
ANSWER_SECONDS = 15

raise_descriptor_limit()
os.kill(server, signal.SIGSTOP)
try:
    connections = [connect(host, port) for _ in range(count)]
    for connection in connections:
        connection.sendall(b"x")
    os.kill(server, signal.SIGTERM)
finally:
    os.kill(server, signal.SIGCONT)
deadline = time.monotonic() + ANSWER_SECONDS
endings = {"echoed": 0, "ended": 0, "refused": 0}
for connection in connections:
    connection.settimeout(max(0.01, deadline - time.monotonic()))
    received = b""
    ending = None
    while not ending:
        try:
            part = connection.recv(2)
            received += part
            if not part:
                ending = "echoed" if received else "ended"
        except (ConnectionResetError, BrokenPipeError):
            ending = "refused"
        except TimeoutError:
            sys.exit("a connection that was in the queue is left hanging")
    check(received in (b"", b"x"), f"{received} came back, b'x' was sent")
    endings[ending] += 1
    connection.close()
for ending, number in endings.items():
    say(f"{ending} {number}")
