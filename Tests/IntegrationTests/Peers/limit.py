"""limit.py HOST PORT MAXIMUM: one connection more than the server takes is refused at once; when one goes, another comes."""

import sys
import time

from common import check, connect, serves

host, port, maximum = sys.argv[1], sys.argv[2], int(sys.argv[3])


def come():
    """A connection that is served, soon: the server may have to learn first that another has gone."""
    deadline = time.monotonic() + 5
    while not serves(connection := connect(host, port)):
        check(time.monotonic() < deadline, "a connection within the limit is not served")
        time.sleep(0.01)
    return connection


connections = [come() for _ in range(maximum)]
for _ in range(5):
    start = time.monotonic()
    check(not serves(connect(host, port)), "a connection past the limit is served")
    seconds = time.monotonic() - start
    check(seconds < 2, f"it took {seconds} s to refuse a connection")
check(all(serves(connection) for connection in connections), "refusing one has hurt another")
connections.pop().close()
come()
