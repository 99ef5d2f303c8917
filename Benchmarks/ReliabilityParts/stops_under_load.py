"""SIGTERM under full load, again and again."""

import random
import signal
import time

from .programs import Server
from .result import Failure, Result

STREAM_COUNT = 20


def run(quick):
    result = Result()
    seed = random.randrange(1 << 32)
    result.note("seed", str(seed))
    stop(result, 5 if quick else 50, seed, "with time to drain", [])
    stop(result, 2 if quick else 10, seed, "with --drain-timeout 0", ["--drain-timeout", "0"])
    return result


def stop(result, count, seed, title, arguments):
    choice = random.Random(seed)
    ended = reset = cut = 0
    accepted_bytes = echoed_bytes = returned_bytes = 0
    durations = []
    for number in range(count):
        with Server(*arguments) as server, server.peer("torrent", STREAM_COUNT, seed + number) as torrent:
            torrent.wait_for_line("flowing")
            time.sleep(choice.uniform(0, 0.2))
            start = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            status, figures = server.ended()
            durations.append(time.monotonic() - start)
            # It checks that what came back is what was sent, from its start on.
            streams = torrent.finish()
            connections = figures["connections"]
            lost = connections["cut"] + connections["failed"] + connections["stalled"]
            if status != (3 if connections["cut"] else 0):
                raise Failure(f"exit status {status} with {connections}")
            if lost == 0 and figures["bytes"]["sent"] != figures["bytes"]["received"]:
                raise Failure(f"nothing was cut, but {figures['bytes']}")
            if lost > streams["reset"]:
                raise Failure(f"{lost} connections lost bytes, and only {streams['reset']:.0f} streams saw an error")
            ended += int(streams["ended"])
            reset += int(streams["reset"])
            cut += lost
            if lost == 0:
                accepted_bytes += figures["bytes"]["received"]
                echoed_bytes += figures["bytes"]["sent"]
                returned_bytes += int(streams["received"])
    longest = max(durations)
    result.demand_equal(f"{count} stops {title}: streams that ended or were reset", ended + reset, count * STREAM_COUNT)
    result.note("streams reset (connections cut with bytes unsent)", f"{reset:,} ({cut:,})")
    result.demand_equal("bytes received but not echoed, in stops without a cut", accepted_bytes - echoed_bytes, 0)
    result.demand_equal("bytes echoed that did not arrive, in stops without a cut", echoed_bytes - returned_bytes, 0)
    result.demand("longest time from signal to exit", f"{longest:.2f} s", "≤ 6 s", longest <= 6)
