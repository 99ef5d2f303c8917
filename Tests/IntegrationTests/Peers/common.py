"""What the peers share."""

import random
import resource
import select
import socket
import struct
import sys

PERIOD = 1_000_003


class Pattern:
    """Random bytes of a seed, without end: what stands at an offset is known without what stands before it."""

    def __init__(self, seed):
        self.blocks = random.Random(seed).randbytes(PERIOD) * 2

    def __call__(self, offset, count):
        start = offset % PERIOD
        if count <= PERIOD:
            return self.blocks[start : start + count]
        return (self.blocks * (count // PERIOD + 1))[start : start + count]


def check(condition, message):
    if not condition:
        sys.exit(message)


def check_bytes(pattern, offset, received):
    expected = pattern(offset, len(received))
    if received != expected:
        wrong = next(i for i in range(len(received)) if received[i] != expected[i])
        sys.exit(f"byte {offset + wrong}: {received[wrong]} came back, {expected[wrong]} was sent")


# Linux's, which python 3.11 does not name: the port is picked when connecting, so that ports of one address suffice for
# every address that they lead to.
IP_BIND_ADDRESS_NO_PORT = 24


def connect(host, port, receive_byte_count=None, source=None):
    """A connected socket. A receive buffer of its own size must be set before connecting.

    `source` is the address that it comes from: any of 127.0.0.0/8, each of which has ports of its own.
    """
    connection = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    if receive_byte_count:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_byte_count)
    if source:
        connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        connection.bind((source, 0))
    connection.settimeout(20)
    connection.connect((host, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def reset(connection):
    """Closes it so that the other end sees an error."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def was_reset(connection, seconds):
    """Whether the other end resets it within so long; nothing is read."""
    poll = select.poll()
    poll.register(connection, 0)
    return any(event & select.POLLERR for _, event in poll.poll(seconds * 1000))


def serves(connection):
    """Whether it echoes a byte; else it was closed or reset."""
    try:
        connection.sendall(b"x")
        return connection.recv(1) == b"x"
    except (ConnectionResetError, BrokenPipeError):
        return False


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
