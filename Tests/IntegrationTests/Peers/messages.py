"""messages.py HOST PORT COUNT SIZE: messages one after another on one connection, each awaited before the next."""

import sys

from common import Pattern, check_bytes, connect, receive_exactly

host, port, count, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
pattern = Pattern(0)
connection = connect(host, port)
for number in range(count):
    connection.sendall(pattern(number * size, size))
    check_bytes(pattern, number * size, receive_exactly(connection, size))
