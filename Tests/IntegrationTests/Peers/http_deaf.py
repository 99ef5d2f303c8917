"""http_deaf.py HOST PORT PATH COUNT [BYTES]: connections that ask and never read; ends when all of them were cut.

BYTES are of their receive buffers.
"""

import sys

from common import check, connect, was_reset
from http_client import get

host, port, path, count = *sys.argv[1:4], int(sys.argv[4])
receive_byte_count = int(sys.argv[5]) if len(sys.argv) > 5 else 4096
connections = [connect(host, port, receive_byte_count) for _ in range(count)]
for connection in connections:
    connection.sendall(get(path))
check(all(was_reset(connection, 30) for connection in connections), "who reads nothing is cut")
