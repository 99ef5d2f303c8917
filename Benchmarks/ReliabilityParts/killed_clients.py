"""Client processes that are killed in the middle of what they do, beside a load whose every byte is compared."""

import random
import time

from .programs import Server
from .result import Result, mebibytes

KILLED_CONNECTIONS = 60
LOAD_CONNECTIONS = 20
# How many buffers are out at once differs from moment to moment. A buffer of 64 KiB lost with every process would be
# three times as much in a minute.
SPREAD_BYTES = 64 << 20


def run(quick):
    seconds = 5 if quick else 60
    seed = random.randrange(1 << 32)
    maximum = KILLED_CONNECTIONS + LOAD_CONNECTIONS
    result = Result()
    # As tight as the load: a place that is lost is missed.
    with Server("--max-connections", str(maximum)) as server:
        descriptors = server.descriptor_count()
        # As long as it takes to have had as many buffers out as ever.
        server.run_peer("killed", max(2, seconds / 6), KILLED_CONNECTIONS, seed, seconds=60)
        time.sleep(1)
        memory = server.memory()
        with server.load(LOAD_CONNECTIONS, seconds) as load:
            time.sleep(0.5)
            killed = server.run_peer("killed", seconds - 1, KILLED_CONNECTIONS, seed + 1, seconds=seconds + 60)
            report = load.finish()
        time.sleep(1)
        after = server.memory()
        result.note("seed", str(seed))
        result.note("client processes killed, 4 connections each", f"{killed['killed']:,.0f}")
        result.note("requests of the load beside them, every byte verified", f"{report['requests']:,}")
        result.note("memory before (resident)", mebibytes(memory))
        result.demand("memory after", mebibytes(after), f"≤ before + {mebibytes(SPREAD_BYTES)}", after <= memory + SPREAD_BYTES)
        server.demand_descriptors(result, descriptors)
        server.run_peer("limit", maximum)
        result.note("connections possible afterwards: --max-connections, and no more", str(maximum))
        figures = server.check_end(result, "the server's exit status")
        result.note("connections accepted", f"{figures['connections']['accepted']:,}")
    return result
