"""http_change.py HOST PORT PATH FILE HOW: changes the file during its download: truncate, rewrite, replace, delete."""

import os
import sys
import time

from common import check
from http_client import Client, get

host, port, path, file, how = sys.argv[1:6]
content = open(file, "rb").read()
client = Client(host, port, receive_byte_count=65536)
client.send(get(path))
status, fields = client.head()
check(status == 200 and int(fields["Content-Length"]) == len(content), "a file has its length")
if how == "truncate":
    os.truncate(file, len(content) // 2)
elif how == "rewrite":
    time.sleep(0.1)
    with open(file, "r+b") as opened:
        opened.seek(len(content) - 10)
        opened.write(b"0123456789")
elif how == "replace":
    with open(file + ".new", "wb") as opened:
        opened.write(b"x" * len(content))
    os.rename(file + ".new", file)
else:
    os.unlink(file)
received, was_reset = bytearray(client.received), False
try:
    while len(received) < len(content) and (part := client.connection.recv(1 << 20)):
        received += part
except ConnectionResetError:
    was_reset = True
if how in ("truncate", "rewrite"):
    check(was_reset and len(received) < len(content), f"{len(received)} bytes, reset: {was_reset}")
    check(how == "rewrite" or received == content[: len(received)], "other bytes came")
else:
    check(received == content, "other bytes came")
