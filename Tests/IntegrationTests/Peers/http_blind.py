"""http_blind.py HOST PORT PATH COUNT SOURCE DEVICE: a client that acknowledges COUNT bytes of a file without seeing any.

Its packets are made here, and come from SOURCE. Of the server's it sees one, which tells where its bytes begin: on DEVICE,
where it looks no longer than that, since to be looked at a packet is copied.
"""

import socket
import struct
import sys
import time

from common import check
from http_client import get

host, port, path, count, source, device = *sys.argv[1:4], int(sys.argv[4]), *sys.argv[5:7]
PORT = 40000
SYN, PSH, ACK = 2, 8, 16
# Of Ethernet, IP and TCP.
HEADERS_BYTE_COUNT = 54
# Less than a segment: after a timeout the server sends just one.
STEP = 1024


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


output = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
addresses = socket.inet_aton(source) + socket.inet_aton(host)


def send(flags, sequence, acknowledged, options=b"", payload=b""):
    length = 20 + len(options)
    head = struct.pack(
        "!HHIIBBHHH", PORT, int(port), sequence, acknowledged & 0xFFFFFFFF, length // 4 << 4, flags, 0xFFFF, 0, 0
    )
    segment = head + options + payload
    padded = segment + b"\0" * (len(segment) % 2)
    pseudo = addresses + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(segment))
    segment = segment[:16] + struct.pack("!H", checksum(pseudo + padded)) + segment[18:]
    # The system fills in the checksum, the length and the number.
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 0, 0, 0, 64, socket.IPPROTO_TCP, 0) + addresses
    output.sendto(ip + segment, (host, 0))


# Of every protocol: who asks for one comes behind the bridge, and that lets nothing pass.
ALL_PROTOCOLS = 3
tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL_PROTOCOLS))
tap.bind((device, ALL_PROTOCOLS))
tap.settimeout(10)
# A maximum segment size of 1460, and windows in units of 128 bytes.
send(SYN, 1000, 0, options=struct.pack("!BBHBBBB", 2, 4, 1460, 3, 3, 7, 1))
answer = b""
while answer[:1] != b"\x45" or answer[9] != socket.IPPROTO_TCP:
    answer = tap.recv(2048)
tap.close()
start = (answer[0] & 15) * 4
check(answer[start + 13] & (SYN | ACK) == SYN | ACK, "the server takes the connection")
first = struct.unpack("!I", answer[start + 4 : start + 8])[0] + 1


def arrived():
    """Bytes of the server's stream that have come to the device, as the system counts them: nothing else goes there."""
    lines = [line.split() for line in open("/proc/net/dev")]
    line = next(line for line in lines if line[0] == device + ":")
    return int(line[1]) - HEADERS_BYTE_COUNT * int(line[2]) - before


before = 0
before = arrived()
request = get(path)
send(ACK, 1001, first)
send(ACK | PSH, 1001, first, payload=request)
sequence = 1001 + len(request)
seen, moments = 0, 0
# Until nothing comes for half a second.
while moments < 500:
    now = arrived()
    # The two figures that it is made of may be of two moments.
    if now != seen:
        for offset in range(seen, now, STEP):
            send(ACK, sequence, first + offset)
        send(ACK, sequence, first + now)
        seen, moments = now, 0
        continue
    moments += 1
    time.sleep(0.001)
check(seen >= count, f"{seen} bytes came")
