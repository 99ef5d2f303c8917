"""addresses.py HOST PORT MAXIMUM: as many connections as an address may have, from each of several; one more is refused."""

import sys
import time

from common import check, connect, serves

host, port, maximum = sys.argv[1], sys.argv[2], int(sys.argv[3])
SOURCES = ["127.0.0.2", "127.0.0.3", "127.77.0.1"]

connections = {source: [connect(host, port, source=source) for _ in range(maximum)] for source in SOURCES}
for source in SOURCES:
    check(all([serves(each) for each in connections[source]]), "a connection within its address's limit is not served")
for source in SOURCES:
    for _ in range(3):
        start = time.monotonic()
        check(not serves(connect(host, port, source=source)), "a connection past its address's limit is served")
        seconds = time.monotonic() - start
        check(seconds < 5, f"it took {seconds} s to refuse a connection")
for source in SOURCES:
    check(all([serves(each) for each in connections[source]]), "refusing one has hurt another")
# The place that one leaves is its address's.
connections[SOURCES[0]].pop().close()
deadline = time.monotonic() + 5
while not serves(connect(host, port, source=SOURCES[0])):
    check(time.monotonic() < deadline, "a place that has become free is not given to another of its address")
    time.sleep(0.01)
check(not serves(connect(host, port, source=SOURCES[1])), "a place of one address is given to another")
