"""http_half.py HOST PORT PATH COUNT: reads so many bytes of a file and no more. Says "half", and stays."""

import sys

from common import connect, receive_exactly, say, wait_for_line
from http_client import get

host, port, path, count = *sys.argv[1:4], int(sys.argv[4])
connection = connect(host, port, receive_byte_count=65536)
connection.sendall(get(path))
receive_exactly(connection, count)
say("half")
wait_for_line()
