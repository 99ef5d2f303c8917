"""many.py HOST PORT COUNT SEED: so many connections at once, each with a message of its own; each half-closed at the end."""

import random
import selectors
import socket
import sys
import time

from common import check, raise_descriptor_limit, say

host, port, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
raise_descriptor_limit()
selector = selectors.EpollSelector()


class Client:
    def __init__(self, number):
        choice = random.Random(f"{seed}/{number}")
        self.number = number
        self.message = choice.randbytes(choice.randint(1, 8192))
        self.sent = 0
        self.received = bytearray()
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex((host, port))


def poll(clients, event, step):
    """Until `step` is true of each."""
    waiting = set(clients)
    deadline = time.monotonic() + 40
    for client in clients:
        selector.register(client.socket, event, client)
    while waiting:
        check(time.monotonic() < deadline, f"{len(waiting)} connections are still waiting (seed {seed})")
        for key, _ in selector.select(1):
            if step(key.data):
                selector.unregister(key.data.socket)
                waiting.remove(key.data)


def connected(client):
    error = client.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    check(error == 0, f"connection {client.number}: error {error}")
    return True


def sent(client):
    client.sent += client.socket.send(client.message[client.sent :])
    return client.sent == len(client.message)


def received(client):
    part = client.socket.recv(65536)
    check(part, f"connection {client.number} was closed")
    client.received += part
    check(client.message.startswith(client.received), f"connection {client.number}: wrong bytes (seed {seed})")
    return len(client.received) == len(client.message)


def ended(client):
    check(client.socket.recv(1) == b"", f"connection {client.number}: more bytes than were sent (seed {seed})")
    return True


clients = [Client(number) for number in range(count)]
poll(clients, selectors.EVENT_WRITE, connected)
poll(clients, selectors.EVENT_WRITE, sent)
poll(clients, selectors.EVENT_READ, received)
for client in clients:
    client.socket.shutdown(socket.SHUT_WR)
poll(clients, selectors.EVENT_READ, ended)
say(f"verified {count}")
