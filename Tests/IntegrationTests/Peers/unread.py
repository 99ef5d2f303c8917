"""unread.py HOST PORT SIZE: sends so much, ends its stream, and reads when told: all of it, or a part and then an error.

Says "sent" when all has gone out, and at the end how much was read before the error, if there was one.
"""

import socket
import sys

from common import Pattern, check, check_bytes, connect, say, wait_for_line

host, port, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
pattern = Pattern(0)
connection = connect(host, port, receive_byte_count=16384)
for offset in range(0, size, 1 << 20):
    connection.sendall(pattern(offset, min(1 << 20, size - offset)))
connection.shutdown(socket.SHUT_WR)
say("sent")
wait_for_line()
received = 0
try:
    while part := connection.recv(1 << 18):
        check_bytes(pattern, received, part)
        received += len(part)
except ConnectionResetError:
    say(f"reset {received}")
else:
    check(received == size, f"an end of stream after {received} of {size} bytes")
