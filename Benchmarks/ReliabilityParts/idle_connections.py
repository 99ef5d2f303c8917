"""10,000 connections that are only there."""

import re
import time

from .programs import Server, raise_descriptor_limit
from .result import Result, Skipped, mebibytes

WARM_UP_CONNECTIONS = 500


def kernel_slab():
    """Bytes of the kernel's small objects: sockets, files, and what belongs to them."""
    with open("/proc/meminfo", encoding="utf-8") as file:
        return int(re.search(r"Slab:\s+(\d+) kB", file.read())[1]) << 10


def slot_bytes():
    """What room for a connection costs a server before anybody has come."""
    memory = {}
    for count in (500, 16_000):
        with Server("--reactors", "1", "--max-connections", str(count)) as server:
            time.sleep(0.2)
            memory[count] = server.memory()
    return (memory[16_000] - memory[500]) / (16_000 - 500)


def run(quick):
    count = 2000 if quick else 10_000
    if not raise_descriptor_limit(count + 1000):
        raise Skipped(f"this machine does not give a process {count + 1000} descriptors")
    result = Result()
    slot = slot_bytes()
    with Server("--reactors", "1") as server:
        # Buffers that wait for bytes are the server's, not a connection's: they are all used before.
        server.run_load(WARM_UP_CONNECTIONS, 1)
        time.sleep(0.5)
        resident, proportional, slab = server.memory("Rss"), server.memory("Pss"), kernel_slab()
        with server.peer("idle", count, 64) as peer:
            peer.wait_for_line("idle", seconds=120)
            each = (server.memory("Rss") - resident) / count
            proportional_each = (server.memory("Pss") - proportional) / count
            slab_each = (kernel_slab() - slab) / count
            used = server.processor_seconds()
            time.sleep(2)
            used = (server.processor_seconds() - used) / 2
            peer.tell("close")
            peer.finish()
        result.note("idle connections, each of which echoed 64 bytes", f"{count:,}")
        result.demand("server memory per connection (resident)", f"{each:.0f} B", "at most 2,048 B", each <= 2048)
        result.demand(
            "server memory per connection (proportional)", f"{proportional_each:.0f} B", "at most 2,048 B",
            proportional_each <= 2048)
        result.demand(
            "the same (resident), with the tables that are made at start", f"{each + slot:.0f} B", "at most 2,176 B",
            each + slot <= 2176)
        result.note("kernel memory per connection, both ends together (slab)", f"{slab_each / 1024:.1f} KiB")
        result.note("server memory before the connections (resident)", mebibytes(resident))
        result.demand("server CPU time while all are idle", f"{used * 1000:.1f} ms/s", "< 10 ms/s", used < 0.010)
        server.check_end(result)
    return result
