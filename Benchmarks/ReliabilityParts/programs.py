"""The programs that are run: the server, its load, and the peers of the integration tests."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time

from .result import Failure

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
POOLED_ECHO = os.path.join(root, ".build/release/pooled-echo")
LOADGEN = os.path.join(root, ".build/release/loadgen")
PEERS = os.path.join(root, "Tests/IntegrationTests/Peers")


def build():
    for product in ["pooled-echo", "loadgen"]:
        subprocess.run(
            ["swift", "build", "-c", "release", "--package-path", root, "--product", product],
            check=True, stdout=sys.stderr)


class Process:
    """A child with its output in files; killed, if it still runs, when its `with` block ends."""

    def __init__(self, command, has_input=False):
        self.output = tempfile.TemporaryFile("w+")
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE if has_input else subprocess.DEVNULL, stdout=self.output, stderr=self.log,
            text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()
        self.output.close()
        self.log.close()

    @property
    def pid(self):
        return self.process.pid

    @staticmethod
    def _text(file):
        # The offset is the child's, too: it must stay at the end.
        return os.pread(file.fileno(), 1 << 20, 0).decode()

    def said(self):
        return self._text(self.output)

    def complained(self):
        return self._text(self.log)

    def wait_for_line(self, prefix, seconds=30):
        """What follows the prefix, once a line with it stands in the output."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            is_over = self.process.poll() is not None
            if found := re.search(rf"^{re.escape(prefix)}(.*)\n", self.said(), re.MULTILINE):
                return found[1]
            if is_over:
                break
            time.sleep(0.005)
        raise Failure(f"{self.describe()} printed no line '{prefix}'")

    def wait_for_end(self, seconds=30):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.describe()} did not end within {seconds} s") from None

    def describe(self):
        """Its command, and what it said last."""
        return f"{' '.join(self.process.args)}\n{self.said()[-2000:]}{self.complained()[-2000:]}"


class Server(Process):
    def __init__(self, *arguments, launcher=(), program=POOLED_ECHO):
        super().__init__([*launcher, program, "echo", "--port", "0", "--stats", "json", *arguments])
        start = time.monotonic()
        try:
            self.endpoint = self.wait_for_line("listening on ")
        except Failure:
            self.__exit__()
            raise
        self.start_seconds = time.monotonic() - start
        self.host, _, self.port = self.endpoint.rpartition(":")

    def processor_seconds(self):
        """Its CPU time, to the nanosecond: its clock's number is made as clock_getcpuclockid makes it."""
        return time.clock_gettime(~self.pid << 3 | 2)

    def memory(self, key="Rss"):
        """Bytes by the kernel's account: Rss, or Pss."""
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="utf-8") as file:
            return int(re.search(rf"^{key}:\s+(\d+) kB", file.read(), re.MULTILINE)[1]) << 10

    def peak_memory(self):
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) << 10

    def descriptor_count(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def demand_descriptors(self, result, wanted):
        """That it has so many descriptors open, soon: a reset takes one for a moment."""
        deadline = time.monotonic() + 5
        while self.descriptor_count() != wanted and time.monotonic() < deadline:
            time.sleep(0.01)
        result.demand_equal("descriptors after", self.descriptor_count(), wanted)

    def stop(self, seconds=15):
        """Its exit status, and its statistics."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended(seconds)

    def ended(self, seconds=15):
        status = self.wait_for_end(seconds)
        lines = self.said().splitlines()
        if len(lines) != 2:
            raise Failure(f"no statistics from {self.describe()}")
        return status, json.loads(lines[1])

    def check_end(self, result, what="the server's exit status", seconds=15):
        """Stops it; its exit status must be 0, which says too that every lease and registered page came back."""
        status, statistics = self.stop(seconds)
        result.demand_equal(what, status, 0)
        return statistics

    def peer(self, name, *arguments):
        """A python peer of the integration tests."""
        return Peer(self, name, *arguments)

    def run_peer(self, name, *arguments, seconds=60):
        with self.peer(name, *arguments) as peer:
            return peer.finish(seconds)

    def load(self, connections, seconds, size="512", warmup=0, launcher=()):
        return Load(self, connections, seconds, size, warmup, launcher)

    def run_load(self, *arguments, **options):
        with self.load(*arguments, **options) as load:
            return load.finish()


class Peer(Process):
    def __init__(self, server, name, *arguments):
        path = os.path.join(PEERS, f"{name}.py")
        super().__init__(["python3", "-B", path, server.host, server.port, *map(str, arguments)], has_input=True)

    def tell(self, line=""):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def finish(self, seconds=60):
        """Its figures by their words, once it ended well."""
        if self.wait_for_end(seconds) != 0:
            raise Failure(self.describe())
        return {words: float(figure) for words, figure in re.findall(r"^(.+) ([0-9.]+)$", self.said(), re.MULTILINE)}


class Load(Process):
    """loadgen, which compares every byte that comes back."""

    def __init__(self, server, connections, seconds, size, warmup, launcher):
        self.seconds = seconds + warmup
        super().__init__([
            *launcher, LOADGEN, "echo", server.endpoint, "--connections", str(connections), "--size", size,
            "--warmup", str(warmup), "--duration", str(seconds), "--json", "-"])

    def finish(self):
        """Its report, once it ended without a connection refused, lost, unanswered, or a wrong byte."""
        if self.wait_for_end(self.seconds + 40) != 0:
            raise Failure(self.describe())
        return json.loads(self.said())


def unprivileged(memlock_bytes):
    """The command that runs a program with so much lockable memory as a user whose locked memory is counted."""
    limit = ["prlimit", f"--memlock={memlock_bytes}:{memlock_bytes}"]
    if os.geteuid() != 0:
        return limit
    # A user that nobody else is, most likely: all processes of a user are counted together.
    user = 40_000 + os.getpid() % 20_000
    return [*limit, "setpriv", f"--reuid={user}", "--regid=65534", "--clear-groups"]


def raise_descriptor_limit(wanted):
    """Whether so many descriptors may be had; children inherit them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return True
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
        return True
    except (ValueError, PermissionError):
        return False
