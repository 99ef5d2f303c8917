"""The server that is checked; and two others, which show that the checks can fail."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from .checks import Failure, Skipped

project = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


class Server:
    """A server of a directory, killed, if it still runs, when its `with` block ends."""

    host = "127.0.0.1"

    def __init__(self, command):
        self.output = tempfile.TemporaryFile("w+")
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.log, text=True)
        try:
            self.port = self.wait_until_listening()
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.output.close()
        self.log.close()

    @property
    def pid(self):
        return self.process.pid

    @property
    def url(self):
        return f"http://{self.host}:{self.port}/"

    @staticmethod
    def _text(file):
        # The offset is the child's, too: it must stay at the end.
        return os.pread(file.fileno(), 1 << 20, 0).decode(errors="replace")

    def said(self):
        return self._text(self.output)

    def describe(self):
        return f"{' '.join(self.process.args)}\n{self.said()[-2000:]}{self._text(self.log)[-2000:]}"

    def is_listening(self, port):
        with socket.socket() as probe:
            return probe.connect_ex((self.host, port)) == 0

    def wait_until(self, condition, seconds=10):
        """What the condition gives, once that is something."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            is_over = self.process.poll() is not None
            if found := condition():
                return found
            if is_over:
                break
            time.sleep(0.01)
        raise Failure(f"does not listen: {self.describe()}")

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1]) << 10

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait_for_end(self, seconds=15):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"did not end within {seconds} s of SIGTERM: {self.describe()}") from None


class PooledEcho(Server):
    def __init__(self, program, root, arguments, launcher=()):
        self.program = program
        super().__init__([*launcher, program, "files", root, "--port", "0", "--stats", "json", *arguments])

    def wait_until_listening(self):
        line = self.wait_until(lambda: re.search(r"^listening on .*:(\d+)\n", self.said(), re.MULTILINE))
        return int(line[1])

    def statistics(self):
        """What it printed when it ended."""
        lines = self.said().splitlines()
        if len(lines) != 2:
            raise Failure(f"no statistics from {self.describe()}")
        return json.loads(lines[1])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class PythonServer(Server):
    """python's http.server: it knows no ranges, entity tags, limits, or strict heads."""

    def __init__(self, root):
        self.wanted_port = free_port()
        super().__init__([
            sys.executable, "-m", "http.server", "--directory", root, "--bind", self.host, "--protocol", "HTTP/1.1",
            str(self.wanted_port)])

    def wait_until_listening(self):
        return self.wait_until(lambda: self.is_listening(self.wanted_port) and self.wanted_port)


# nginx stands where only root looks.
PATH = os.environ["PATH"] + ":/usr/sbin"

NGINX_CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    access_log off; sendfile on; types {{ text/html html; text/plain txt; }}
    server {{ listen 127.0.0.1:{port}; location / {{ root "{root}"; autoindex on; }} }}
}}
"""


class Nginx(Server):
    """nginx as Debian has it: more of HTTP than python's, and its own ideas of what is refused."""

    def __init__(self, root):
        if not shutil.which("nginx", path=PATH):
            raise Skipped("nginx is not installed")
        self.wanted_port = free_port()
        self.configuration = tempfile.TemporaryDirectory()
        folder = self.configuration.name
        os.chmod(folder, 0o755)
        path = os.path.join(folder, "nginx.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(NGINX_CONFIGURATION.format(folder=folder, port=self.wanted_port, root=root))
        super().__init__([shutil.which("nginx", path=PATH), "-p", folder, "-c", path, "-e", "stderr"])

    def wait_until_listening(self):
        return self.wait_until(lambda: self.is_listening(self.wanted_port) and self.wanted_port)

    def __exit__(self, *_):
        # Killed, the master would leave its worker behind.
        self.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        super().__exit__()
        self.configuration.cleanup()
