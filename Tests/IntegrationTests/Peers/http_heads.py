"""http_heads.py HOST PORT: heads that are refused, by a server that allows 2,000 bytes and 0.4 seconds."""

import sys
import time

from common import check
from http_client import Client, get

host, port = sys.argv[1:3]


def expect_refusal(data, expected):
    client = Client(host, port)
    client.send(data)
    status, fields, _ = client.response()
    check(status == expected and fields["Connection"] == "close", f"{status} for {data[:60]}")
    check(client.has_ended(), "who is refused is closed")


expect_refusal(get("/a", "X: " + "x" * 3000), 431)
expect_refusal(b"GET /" + b"x" * 3000, 414)
expect_refusal(b"GET /a HTTP/1.1\nHost: x\n\n", 400)
expect_refusal(b"GET /a HTTP/1.1\r\n\r\n", 400)
expect_refusal(get("/a", "Content-Length: 3") + b"abc", 413)

slow = Client(host, port)
slow.send(get("/a"))
slow.response()
start = time.monotonic()
for byte in get("/a")[:10]:
    slow.send(bytes([byte]))
    time.sleep(0.02)
status, _, _ = slow.response()
check(status == 408 and time.monotonic() - start >= 0.4, f"a slow head: {status}")

# Between requests there is time.
idle = Client(host, port)
idle.send(get("/a"))
idle.response()
time.sleep(0.8)
idle.send(get("/a"))
check(idle.response()[0] == 200, "an idle connection goes on")
