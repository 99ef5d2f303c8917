"""listener.py own|shared: takes a port, without or with SO_REUSEPORT, until told."""

import socket
import sys

from common import say, wait_for_line

listener = socket.socket()
if sys.argv[1] == "shared":
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
listener.bind(("127.0.0.1", 0))
listener.listen()
say(f"listening on {listener.getsockname()[1]}")
wait_for_line()
