"""sleeper.py HOST PORT COUNT: connections that send as much as the server takes, and read nothing until told.

Told "finish", they end their streams and read what is owed. Told "read", they read to the server's end first.
"""

import sys
import threading
import time

from common import Pattern, check_bytes, connect, say, wait_for_line

host, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
STALL_SECONDS = 0.5


class Sleeper:
    def __init__(self, number):
        self.pattern = Pattern(number)
        self.connection = connect(host, port, receive_byte_count=16384)
        self.sent = 0
        self.received = 0

    def send(self):
        """Whether anything went out."""
        before = self.sent
        self.connection.setblocking(False)
        try:
            while True:
                self.sent += self.connection.send(self.pattern(self.sent, 1 << 18))
        except BlockingIOError:
            return self.sent > before

    def read(self):
        self.connection.settimeout(20)
        while part := self.connection.recv(1 << 18):
            check_bytes(self.pattern, self.received, part)
            self.received += len(part)


sleepers = [Sleeper(number) for number in range(count)]
moved = time.monotonic()
while time.monotonic() < moved + STALL_SECONDS:
    if any([sleeper.send() for sleeper in sleepers]):
        moved = time.monotonic()
    time.sleep(0.01)
say(f"sent {sum(sleeper.sent for sleeper in sleepers)}")
if wait_for_line() == "finish":
    for sleeper in sleepers:
        sleeper.connection.shutdown(1)
# At once: the server serves them all, or drains them all.
readers = [threading.Thread(target=sleeper.read) for sleeper in sleepers]
for reader in readers:
    reader.start()
for reader in readers:
    reader.join()
say(f"received {sum(sleeper.received for sleeper in sleepers)}")
