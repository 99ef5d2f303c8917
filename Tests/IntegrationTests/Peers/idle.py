"""idle.py HOST PORT COUNT SIZE: connections that echo one message each, in turn, and then stay open until told.

Told "close", they close. Told "wait", they close when the server has half-closed them all.
"""

import sys

from common import Pattern, check, check_bytes, connect, raise_descriptor_limit, receive_exactly, say, wait_for_line

host, port, count, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
raise_descriptor_limit()
pattern = Pattern(0)
connections = []
for number in range(count):
    # Ports of one address run short when there are many, and others are in use.
    connection = connect(host, port, source=None if ":" in host else f"127.0.0.{2 + number % 100}")
    connection.sendall(pattern(0, size))
    check_bytes(pattern, 0, receive_exactly(connection, size))
    connections.append(connection)
say("idle")
if wait_for_line() == "wait":
    for connection in connections:
        check(connection.recv(1) == b"", "bytes that were never sent")
    say("half-closed")
    wait_for_line()
