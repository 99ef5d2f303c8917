"""starved.py HOST PORT SERVER_PID: connections that found no buffer, since many came while the server stood still.

Those that have nothing to say must not keep the others from being received from, nor stay deaf themselves.
"""

import os
import signal
import socket
import sys
import time

from common import check, raise_descriptor_limit, say

host, port, server = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
raise_descriptor_limit()


def connect(count):
    return [socket.create_connection((host, port), timeout=10) for _ in range(count)]


os.kill(server, signal.SIGSTOP)
try:
    talkers = connect(40)
    for talker in talkers:
        talker.sendall(b"x")
    listeners = connect(600)
finally:
    os.kill(server, signal.SIGCONT)
for talker in talkers:
    check(talker.recv(1) == b"x", "a talker's echo is wrong")
time.sleep(0.3)
for listener in reversed(listeners):
    listener.sendall(b"y")
    try:
        check(listener.recv(1) == b"y", "a listener's echo is wrong")
    except TimeoutError:
        check(False, "a connection that found no buffer is never received from again")
say("served")
