"""What the peers share."""

import random
import resource
import socket
import sys

PERIOD = 1_000_003


class Pattern:
    """Random bytes of a seed, without end: what stands at an offset is known without what stands before it."""

    def __init__(self, seed):
        self.block = random.Random(seed).randbytes(PERIOD)

    def __call__(self, offset, count):
        start = offset % PERIOD
        return (self.block * (count // PERIOD + 2))[start : start + count]


def check(condition, message):
    if not condition:
        sys.exit(message)


def check_bytes(pattern, offset, received):
    expected = pattern(offset, len(received))
    if received != expected:
        wrong = next(i for i in range(len(received)) if received[i] != expected[i])
        sys.exit(f"byte {offset + wrong}: {received[wrong]} came back, {expected[wrong]} was sent")


def connect(host, port, receive_byte_count=None):
    """A connected socket. A receive buffer of its own size must be set before connecting."""
    connection = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    if receive_byte_count:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_byte_count)
    connection.settimeout(20)
    connection.connect((host, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def receive_exactly(connection, count):
    received = bytearray()
    while len(received) < count:
        part = connection.recv(count - len(received))
        check(part, f"the server closed after {len(received)} of {count} bytes")
        received += part
    return bytes(received)


def say(line):
    print(line, flush=True)


def wait_for_line():
    """What the test says next; ends this program when the test is gone."""
    line = sys.stdin.readline()
    check(line, "the test has gone")
    return line.strip()


def raise_descriptor_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
