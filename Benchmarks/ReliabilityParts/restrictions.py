"""Where the system gives little: locked memory, privileges, descriptors."""

import os
import re
import shutil
import tempfile
from contextlib import contextmanager

from .programs import POOLED_ECHO, Server, raise_descriptor_limit, unprivileged
from .result import Failure, Result, Skipped, mebibytes


@contextmanager
def public_copy():
    """The server where any user may run it: a build folder may be closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        program = shutil.copy(POOLED_ECHO, folder)
        os.chmod(program, 0o755)
        yield program


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skipped(f"{program} is not installed")


def little_memory(quick):
    need("prlimit", "setpriv")
    result = Result()
    with public_copy() as program, Server(launcher=unprivileged(64 << 10), program=program) as server:
        report = server.run_load(100, 1 if quick else 3, size="16K")
        result.note("requests of 16 KiB on 100 connections, every byte verified", f"{report['requests']:,}")
        figures = server.check_end(result)
        result.demand(
            "registered memory, of 64 KiB that may be locked", f"{figures['registeredByteCount']:,} B", "≤ 65,536 B",
            figures["registeredByteCount"] <= 65_536)
        result.note("plain memory used instead", mebibytes(figures["pool"]["mappedByteCount"]))
    return result


def few_descriptors(quick):
    need("prlimit")
    raise_descriptor_limit(4096)
    newcomers = 300 if quick else 1000
    result = Result()
    with Server(launcher=["prlimit", "--nofile=64:64"]) as server:
        planned = re.search(r"allows (\d+) connections", server.complained())
        if not planned:
            raise Failure(f"a server with 64 descriptors does not say what it plans: {server.complained()}")
        figures = server.run_peer("herd", planned[1], newcomers, server.pid)
        result.note("connections allowed with 64 descriptors", planned[1])
        seconds = figures["refusal seconds"]
        result.demand(
            f"{newcomers:,} new connections at once beyond that: time until all are refused", f"{seconds:.3f} s", "≤ 1 s",
            seconds <= 1)
        seconds = figures["processor seconds"]
        result.demand(
            "server CPU time during that and the second after", f"{seconds * 1000:.0f} ms", "≤ 200 ms", seconds <= 0.2)
        server.check_end(result)
    return result


def starts(quick):
    need("prlimit", "setpriv")
    result = Result()
    count = 5 if quick else 20
    with public_copy() as program:
        for memlock, title in ((8 << 20, "8 MiB"), (64 << 10, "64 KiB")):
            launcher, seconds = unprivileged(memlock), []
            for _ in range(count):
                with Server(launcher=launcher, program=program) as server:
                    seconds.append(server.start_seconds)
                    server.run_peer("messages", 20, 65536)
                    status, _ = server.stop()
                    if status != 0:
                        raise Failure(f"exit status {status}")
            result.note(
                f"{count} starts in a row with {title} of lockable memory: longest time until listening",
                f"{max(seconds):.2f} s")
    return result
