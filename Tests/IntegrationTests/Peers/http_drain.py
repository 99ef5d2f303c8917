"""http_drain.py HOST PORT PATH FILE: downloads while the server stops, beside an idle connection. Says "begun"."""

import sys
import time

from common import check, say
from http_client import Client, get

host, port, path, file = sys.argv[1:5]
idle = Client(host, port)
idle.send(get(path, "Range: bytes=0-1"))
idle.response()
client = Client(host, port, receive_byte_count=65536)
client.send(get(path))
client.head()
say("begun")
check(idle.has_ended(), "an idle connection is ended")
idle.connection.close()
time.sleep(0.5)
content = open(file, "rb").read()
received = bytearray(client.received)
while part := client.connection.recv(1 << 20):
    received += part
check(received == content, f"{len(received)} bytes came, or others")
