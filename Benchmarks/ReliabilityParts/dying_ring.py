"""A ring that fails: strace answers `io_uring_enter` in the kernel's place."""

import re
import shutil
import subprocess
import time

from .programs import LOADGEN, Process, Server
from .result import Result, Skipped

STRACE = ["strace", "-D", "-f", "-qq", "-o", "/dev/null"]


def run(quick):
    if not shutil.which("strace") or subprocess.run([*STRACE, "true"]).returncode != 0:
        raise Skipped("strace is not installed, or may not trace")
    result = Result()
    for reactors, connections, call in ((1, 16, 50), (2, 16, 50), (2, 1, 300)):
        launcher = [
            *STRACE, "-e", "trace=io_uring_enter", "-e", f"inject=io_uring_enter:error=EBADF:when={call}+"]
        with (
            Server("--reactors", str(reactors), launcher=launcher) as server,
            Process([LOADGEN, "echo", server.endpoint, "--connections", str(connections), "--duration", "20"]) as load,
        ):
            while "Bad file descriptor" not in server.complained() and server.process.poll() is None:
                time.sleep(0.005)
            start = time.monotonic()
            status = server.wait_for_end(15)
            seconds = time.monotonic() - start
            load.wait_for_end(15)
            named = re.findall(r"reactor (\d+): [^\n]*Bad file descriptor", server.complained())
            title = f"{reactors} reactor{'s' * (reactors > 1)}, {connections} connection{'s' * (connections > 1)}"
            result.demand_equal(f"{title}: exit status when calls fail from the {call}th on", status, 1)
            names = ", ".join(f"number {name}" for name in sorted(set(named))) or "none"
            result.demand("reactor named in the error message", names, "one or more", bool(named))
            result.demand("time from the message to the exit", f"{seconds:.2f} s", "≤ 6 s", seconds <= 6)
    return result
