"""http_pieces.py HOST PORT FILE_A FILE_B: asks for /a and /b in many ways of sending."""

import socket
import sys

from common import check
from http_client import Client, get

host, port = sys.argv[1:3]
a, b = (open(path, "rb").read() for path in sys.argv[3:5])


def expect(client, *bodies):
    for body in bodies:
        status, _, got = client.response()
        check(status == 200 and got == body, f"status {status}, {len(got)} bytes")


client = Client(host, port)
for byte in get("/a"):
    client.send(bytes([byte]))
expect(client, a)
client.send(get("/a") * 50 + get("/b") * 3 + get("/a"))
expect(client, *[a] * 50, *[b] * 3, a)
# A request's end in one piece with the next one's begin.
request = get("/b")
client.send(request[:20])
for _ in range(20):
    client.send(request[20:] + request[:20])
client.send(request[20:] + get("/a", "Connection: close") + get("/a"))
expect(client, *[b] * 21, a)
check(client.has_ended(), "after a last response nothing comes")

# Half-closed after the request.
client = Client(host, port)
client.send(get("/b"))
client.connection.shutdown(socket.SHUT_WR)
expect(client, b)
check(client.has_ended(), "after a half-close nothing comes")
