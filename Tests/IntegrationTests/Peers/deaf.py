"""deaf.py HOST PORT COUNT stay|return: connections that send without end and never read.

Says "sending" when all are there, and "stalled" when none can send any more. Goes on until told, and a moment longer; then
says how many were cut. With "return", who was cut comes again at once.
"""

import selectors
import sys
import time

from common import Pattern, connect, raise_descriptor_limit, say

host, port, count, mode = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
STALL_SECONDS = 0.5
# The kernel closes the connections of a program that has ended some time after its end.
GRACE_SECONDS = 1
CHUNK = Pattern(0)(0, 1 << 18)

raise_descriptor_limit()
selector = selectors.DefaultSelector()
sent_byte_count = cut_count = 0
moved = time.monotonic()
is_stalled = False


def come():
    connection = connect(host, port, receive_byte_count=16384)
    connection.setblocking(False)
    selector.register(connection, selectors.EVENT_WRITE)


def send(connection):
    """Whether the connection is still there."""
    global sent_byte_count, moved
    try:
        sent_byte_count += connection.send(CHUNK)
        moved = time.monotonic()
        return True
    except BlockingIOError:
        return True
    except (ConnectionResetError, BrokenPipeError):
        selector.unregister(connection)
        connection.close()
        return False


for _ in range(count):
    come()
selector.register(sys.stdin, selectors.EVENT_READ)
say("sending")
end = None
while end is None or (time.monotonic() < end and len(selector.get_map()) > 0):
    missing_count = 0
    for key, _ in selector.select(0.05):
        if key.fileobj is sys.stdin:
            selector.unregister(sys.stdin)
            end = time.monotonic() + GRACE_SECONDS
        elif not send(key.fileobj):
            missing_count += 1
    cut_count += missing_count
    if mode == "return" and missing_count and end is None:
        for _ in range(missing_count):
            come()
        # Where newcomers are refused, this program is not to use up the processor that the server needs.
        time.sleep(0.01)
    if not is_stalled and time.monotonic() > moved + STALL_SECONDS:
        is_stalled = True
        say("stalled")
say(f"sent {sent_byte_count}")
say(f"cut {cut_count}")
