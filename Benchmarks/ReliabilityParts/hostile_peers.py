"""Scans, silence and noise, beside a load whose every byte is compared."""

import random

from .programs import Server, raise_descriptor_limit
from .result import Result

KINDS = {
    "scan": "connect and close at once",
    "reset": "connect and reset at once",
    "silent": "500 silent connections that come and go",
    "random": "random bytes, then any kind of end",
    "single": "20 that send one byte at a time, each verified",
}


def run(quick):
    seconds = 1 if quick else 5
    seed = random.randrange(1 << 32)
    raise_descriptor_limit(4096)
    result = Result()
    result.note("seed", str(seed))
    with Server() as server:
        descriptors = server.descriptor_count()
        for kind, what in KINDS.items():
            with server.load(16, seconds) as load:
                connected = server.run_peer("hostile", kind, seconds, seed)["connected"]
                requests = load.finish()["requests"]
            result.note(f"{what}: connections; requests of the load beside them", f"{connected:,.0f}; {requests:,}")
        server.demand_descriptors(result, descriptors)
        figures = server.check_end(result)
        result.demand_equal("connections refused or cut", figures["connections"]["refused"] + figures["connections"]["cut"], 0)
    return result
