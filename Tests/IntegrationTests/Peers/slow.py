"""slow.py HOST PORT COUNT BYTES_PER_SECOND: connections that send without end and read, each so much a second.

Says "reading" when all are there; goes on until told. Says then how many were cut meanwhile, and what was received.
"""

import selectors
import sys
import time

from common import Pattern, check, check_bytes, connect, say

host, port, count, rate = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
READS_PER_SECOND = 10

pattern = Pattern(0)
selector = selectors.DefaultSelector()
received_byte_count = 0


class Reader:
    def __init__(self):
        self.connection = connect(host, port, receive_byte_count=16384)
        self.connection.setblocking(False)
        self.sent = self.received = 0
        selector.register(self.connection, selectors.EVENT_WRITE, self)

    def send(self):
        self.sent += self.connection.send(pattern(self.sent, 1 << 16))

    def read(self):
        global received_byte_count
        part = self.connection.recv(rate // READS_PER_SECOND)
        check(part, "the server ended a stream that has not ended")
        check_bytes(pattern, self.received, part)
        self.received += len(part)
        received_byte_count += len(part)


def attempt(action, reader):
    """Does it if it can be done now, and if the connection is still there."""
    try:
        action(reader)
    except BlockingIOError:
        pass
    except (ConnectionResetError, BrokenPipeError):
        selector.unregister(reader.connection)
        readers.remove(reader)


readers = [Reader() for _ in range(count)]
selector.register(sys.stdin, selectors.EVENT_READ)
say("reading")
next_read = time.monotonic()
is_told = False
while not is_told:
    for key, _ in selector.select(max(0, next_read - time.monotonic())):
        if key.fileobj is sys.stdin:
            is_told = True
        else:
            attempt(Reader.send, key.data)
    if time.monotonic() >= next_read:
        next_read += 1 / READS_PER_SECOND
        for reader in list(readers):
            attempt(Reader.read, reader)
say(f"cut {count - len(readers)}")
say(f"received {received_byte_count}")
