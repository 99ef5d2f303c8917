"""The servers that are compared, each with one thread on one processor."""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

from ReliabilityParts.programs import Process
from ReliabilityParts.result import Failure

from .cases import CASES

NGINX = "nginx"
BUFFER_MODES = ["registered", "pooled", "malloc"]
# The default of `--buffers`: what the goals are for.
OURS = "pooled-echo, registered"


def mode_name(mode):
    return f"pooled-echo, {mode}"


# Where the file is large and cold, nginx does best past the page cache, reading in threads; and with blocks of 1 MiB, as
# ours are (2 of 32 KiB by default).
NGINX_CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr;
worker_rlimit_nofile 4096;
events {{ worker_connections 2048; }}
http {{
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    access_log off; sendfile on; tcp_nopush on; tcp_nodelay on;
    open_file_cache max=1000 inactive=10m; open_file_cache_valid 10m;
    keepalive_requests 1000000000; keepalive_timeout 10m;
    server {{
        listen 127.0.0.1:{port}; root "{root}";
        location /cold/ {{ directio 4m; aio threads; output_buffers 2 1m; }}
    }}
}}
"""


class Contender(Process):
    """A server, pinned to a processor, that has answered once."""

    def __init__(self, command, processor):
        super().__init__(["taskset", "-c", str(processor), *command])

    def wait_until_serving(self, path):
        deadline = time.monotonic() + 10
        while True:
            try:
                with urllib.request.urlopen(self.url + path, timeout=5) as response:
                    response.read()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise Failure(f"does not serve: {self.describe()}") from None
                time.sleep(0.01)

    def pids(self):
        """Of all processes that serve."""
        return [self.pid]

    def processor_seconds(self):
        """The CPU time of all its threads, to the nanosecond: a clock's number is made as clock_getcpuclockid makes it."""
        return sum(time.clock_gettime(~pid << 3 | 2) for pid in self.pids())

    def peak_memory(self):
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                total += int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) << 10
        return total

    def stop(self):
        """Ends it; what it says of the path that it took."""
        self.process.send_signal(signal.SIGTERM)
        if (status := self.wait_for_end()) != 0:
            raise Failure(f"ended with status {status}: {self.describe()}")
        return {}


class PooledEcho(Contender):
    def __init__(self, program, mode, root, processor, arguments=()):
        super().__init__(
            [program, "files", root, "--port", "0", "--reactors", "1", "--buffers", mode, "--stats", "json",
             *arguments], processor)
        try:
            self.url = f"http://{self.wait_for_line('listening on ')}/"
            self.wait_until_serving(CASES[0].paths[0])
        except BaseException:
            self.__exit__()
            raise

    def stop(self):
        super().stop()
        return json.loads(self.said().splitlines()[-1])


class Nginx(Contender):
    def __init__(self, root, processor):
        self.folder = tempfile.TemporaryDirectory()
        os.chmod(self.folder.name, 0o755)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        configuration = os.path.join(self.folder.name, "nginx.conf")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(NGINX_CONFIGURATION.format(folder=self.folder.name, port=port, root=root))
        super().__init__(["nginx", "-p", self.folder.name, "-c", configuration, "-e", "stderr"], processor)
        self.url = f"http://127.0.0.1:{port}/"
        try:
            self.wait_until_serving(CASES[0].paths[0])
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        # Killed, the master would leave its worker behind.
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                pass
        super().__exit__()
        self.folder.cleanup()

    def pids(self):
        with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="utf-8") as file:
            return [self.pid, *map(int, file.read().split())]


def contenders(program, root, processor, arguments=()):
    """What starts each, by name, in the order of their turns. `arguments` are for ours."""
    result = {NGINX: lambda: Nginx(root, processor)}
    for mode in BUFFER_MODES:
        result[mode_name(mode)] = lambda mode=mode: PooledEcho(program, mode, root, processor, arguments)
    return result
