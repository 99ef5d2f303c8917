"""rude.py HOST PORT COUNT SEED: connections that end in every impolite way, while others are served."""

import random
import socket
import sys

from common import Pattern, check_bytes, connect, receive_exactly, reset

host, port, count, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
choice = random.Random(seed)
pattern = Pattern(seed)


def send_and_reset(connection):
    connection.send(pattern(0, choice.randint(1, 1 << 20)))
    reset(connection)


def close_without_reading(connection):
    connection.send(pattern(0, choice.randint(1, 1 << 20)))
    connection.close()


def half_close_and_reset(connection):
    connection.send(pattern(0, choice.randint(1, 1 << 20)))
    connection.shutdown(socket.SHUT_WR)
    reset(connection)


def stop_reading(connection):
    connection.shutdown(socket.SHUT_RD)
    connection.send(pattern(0, 1 << 16))
    connection.close()


polite = connect(host, port)
for number in range(count):
    connection = connect(host, port)
    connection.setblocking(False)
    choice.choice([reset, send_and_reset, close_without_reading, half_close_and_reset, stop_reading])(connection)
    polite.sendall(pattern(number * 1000, 1000))
    check_bytes(pattern, number * 1000, receive_exactly(polite, 1000))
