"""limit.py HOST PORT MAXIMUM: one connection more than the server takes is refused at once; when one goes, another comes."""

import sys
import time

from common import check, connect, receive_exactly

host, port, maximum = sys.argv[1], sys.argv[2], int(sys.argv[3])


def serves(connection):
    """Whether it echoes; else it was closed or reset."""
    try:
        connection.sendall(b"x")
        return connection.recv(1) == b"x"
    except (ConnectionResetError, BrokenPipeError):
        return False


connections = [connect(host, port) for _ in range(maximum)]
check(all(serves(connection) for connection in connections), "a connection within the limit is not served")
for _ in range(5):
    start = time.monotonic()
    check(not serves(connect(host, port)), "a connection past the limit is served")
    seconds = time.monotonic() - start
    check(seconds < 2, f"it took {seconds} s to refuse a connection")
check(all(serves(connection) for connection in connections), "refusing one has hurt another")
connections.pop().close()
# The server learns of the close before the next connection, or after it.
deadline = time.monotonic() + 5
while not serves(connect(host, port)):
    check(time.monotonic() < deadline, "a place that has become free is not given to another")
    time.sleep(0.01)
