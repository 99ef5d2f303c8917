"""A server with 8 buffers, 1,000 connections that read, and others that don't, or slowly."""

from .programs import Server, raise_descriptor_limit
from .result import Result, Skipped

EIGHT_BUFFERS = ["--reactors", "1", "--buffer-size", "262144", "--pool-size", "2097152"]


def run(quick):
    if not raise_descriptor_limit(3000):
        raise Skipped("this machine does not give a process 3,000 descriptors")
    seconds = 2 if quick else 8
    result = Result()
    with Server(*EIGHT_BUFFERS) as alone:
        measure(result, alone, seconds, "1,000 readers alone")
        figures = alone.check_end(result)
        result.demand_equal("readers cut", figures["connections"]["stalled"] + figures["connections"]["failed"], 0)
    with Server(*EIGHT_BUFFERS) as server, server.peer("deaf", 100, "return") as deaf:
        deaf.wait_for_line("sending")
        measure(result, server, seconds, "1,000 readers beside 100 stalled peers that reconnect when cut")
        deaf.tell()
        cut = int(deaf.finish()["cut"])
        result.note("stalled peers cut", f"{cut:,}")
        _, figures = server.stop()
        result.demand_equal("bytes of buffers mapped", figures["pool"]["mappedByteCount"], 8 * 262_144)
        result.note("receives that found no buffer and waited in line", f"{figures['starvedReceives']:,}")
    with Server(*EIGHT_BUFFERS) as server, server.peer("slow", 20, 100_000) as slow:
        slow.wait_for_line("reading")
        measure(result, server, seconds, "1,000 readers beside 20 that send without pause and read 100 kB/s")
        slow.tell()
        result.note("slow readers cut", f"{slow.finish()['cut']:,.0f}")
        server.check_end(result)
    return result


def measure(result, server, seconds, title):
    report = server.run_load(1000, seconds, size="4K", warmup=0.5)
    latency = report["latencyMicroseconds"]
    result.note(
        f"{title}: requests/s of 4 KiB; latency p50, p99, maximum",
        f"{report['requestsPerSecond']:,.0f}; {latency['p50'] / 1000:.0f}, {latency['p99'] / 1000:.0f}, "
        f"{latency['max'] / 1000:.0f} ms")
    lost = report["errors"]["lost"] + report["errors"]["unanswered"]
    result.demand_equal("requests lost or unanswered", lost, 0)
