"""quiet.py HOST PORT IDLE_SECONDS: who is quiet for so long is closed, who owes reading is reset, who talks stays."""

import sys
import time

from common import Pattern, check, connect, serves, was_reset

host, port, idle_seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
# The server finds who is idle within an eighth more; the rest is for a busy machine.
WAIT_SECONDS = idle_seconds * 1.125 + 10

talker = connect(host, port)
silent = connect(host, port)
once = connect(host, port)
deaf = connect(host, port, receive_byte_count=16384)
check(serves(once), "a connection is not served")
deaf.setblocking(False)
start = time.monotonic()
sent = 0
moved = start
while time.monotonic() < moved + 0.3:
    try:
        sent += deaf.send(Pattern(0)(sent, 1 << 18))
        moved = time.monotonic()
    except BlockingIOError:
        time.sleep(0.01)
ended = {}
while len(ended) < 3:
    now = time.monotonic()
    check(now < start + WAIT_SECONDS, f"only {list(ended)} ended within {WAIT_SECONDS} s")
    check(serves(talker), "a connection that talks was ended")
    for name, connection in [("silent", silent), ("once", once)]:
        connection.settimeout(idle_seconds / 8)
        if name not in ended:
            try:
                check(connection.recv(1) == b"", "bytes from nowhere")
                ended[name] = now - start
            except TimeoutError:
                pass
    if "deaf" not in ended and was_reset(deaf, 0):
        ended["deaf"] = now - start
for name, seconds in ended.items():
    # Half of it: the loop notices an end some time before it looks at the clock, never long before.
    check(seconds > idle_seconds / 2, f"{name} was ended after {seconds} s")
check(serves(talker), "a connection that talks was ended")
