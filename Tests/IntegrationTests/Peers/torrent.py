"""torrent.py HOST PORT COUNT SEED: connections that send and read without end, until the server ends them.

Says "flowing" when each has had bytes back. What comes back must be what was sent, from its start on; then comes an end of
stream, or a reset. Says at the end how many ended how, and how many bytes came back.
"""

import random
import selectors
import sys
import time

from common import Pattern, check, check_bytes, connect, say

host, port, count, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
WAIT_SECONDS = 30
IN_FLIGHT_BYTE_COUNT = 1 << 18

choice = random.Random(seed)
pattern = Pattern(seed)
selector = selectors.DefaultSelector()


class Stream:
    def __init__(self):
        self.connection = connect(host, port)
        self.connection.setblocking(False)
        self.start = choice.randrange(1 << 20)
        self.sent = self.received = 0
        selector.register(self.connection, selectors.EVENT_READ | selectors.EVENT_WRITE, self)
        self.asks_to_write = True

    def update(self):
        """A window that is full must not be asked again and again whether there is room."""
        has_window = self.sent - self.received < IN_FLIGHT_BYTE_COUNT
        if has_window != self.asks_to_write:
            self.asks_to_write = has_window
            selector.modify(
                self.connection, selectors.EVENT_READ | (selectors.EVENT_WRITE if has_window else 0), self)

    def send(self):
        size = min(choice.choice([100, 5000, 100_000]), IN_FLIGHT_BYTE_COUNT - (self.sent - self.received))
        if size > 0:
            self.sent += self.connection.send(pattern(self.start + self.sent, size))

    def receive(self):
        """Whether there may be more."""
        part = self.connection.recv(1 << 18)
        check_bytes(pattern, self.start + self.received, part)
        self.received += len(part)
        check(self.received <= self.sent, "more came back than was sent")
        return len(part) > 0


streams = [Stream() for _ in range(count)]
endings = {"end of stream": 0, "reset": 0}
waiting = set(streams)
silent = set(streams)


def end(stream, ending):
    endings[ending] += 1
    waiting.remove(stream)
    selector.unregister(stream.connection)
    stream.connection.close()


deadline = time.monotonic() + WAIT_SECONDS
while waiting:
    check(time.monotonic() < deadline, f"{len(waiting)} connections got nothing, not even an end (seed {seed})")
    for key, events in selector.select(1):
        stream = key.data
        try:
            if events & selectors.EVENT_READ:
                deadline = time.monotonic() + WAIT_SECONDS
                if not stream.receive():
                    end(stream, "end of stream")
                    continue
                if stream in silent:
                    silent.remove(stream)
                    if not silent:
                        say("flowing")
            if events & selectors.EVENT_WRITE:
                stream.send()
        except BlockingIOError:
            stream.update()
        except (ConnectionResetError, BrokenPipeError):
            end(stream, "reset")
        else:
            stream.update()
say(f"ended {endings['end of stream']}")
say(f"reset {endings['reset']}")
say(f"received {sum(stream.received for stream in streams)}")
