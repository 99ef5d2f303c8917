"""Downloads that go on where they were cut."""

import os
import re
import subprocess
import time

from . import clients
from .checks import check, demand
from .tree import LARGE, MEBIBYTE

RATE = str(20 * MEBIBYTE)


def cut_download(command, path):
    """Runs a client until a part of the file is there, and ends it. The bytes of the part."""
    clients.run([command[0], "--version"])
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 20
            while not os.path.exists(path) or os.path.getsize(path) < MEBIBYTE:
                demand(process.poll() is None and time.monotonic() < deadline, f"{' '.join(command)}: no MiB came")
                time.sleep(0.005)
        finally:
            process.kill()
    return os.path.getsize(path)


def check_resumed(run, path, part):
    size = run.tree.size(LARGE)
    demand(MEBIBYTE <= part < size, f"the download was not cut within the file: {part:,} of {size:,} B")
    with open(path, "rb") as file:
        found = file.read()
    demand(found == run.tree.read(LARGE), f"{part:,} B were there, then {len(found):,} of {size:,}, or other ones")


@check("curl -C - goes on with a download that was cut")
def by_curl(run):
    path = os.path.join(run.folder("curl"), LARGE)
    url = run.server.url + LARGE
    part = cut_download(["curl", "-sS", "--limit-rate", RATE, "-o", path, url], path)
    answer = clients.run(["curl", "-sS", "-C", "-", "-o", path, "-w", "%{http_code} %{size_download}", url])
    wanted = f"206 {run.tree.size(LARGE) - part}"
    demand(answer.stdout.decode() == wanted, f"curl -C - after {part:,} B: {answer}, not {wanted}")
    check_resumed(run, path, part)
    # It is all there: curl asks for what lies behind it, and takes the answer for what it is.
    again = clients.run(["curl", "-sS", "-C", "-", "-o", path, "-w", "%{http_code}", url])
    demand(again.stdout == b"416", f"curl -C - with the whole file: {again}")
    check_resumed(run, path, part)


@check("wget -c goes on with a download that was cut")
def by_wget(run):
    path = os.path.join(run.folder("wget"), LARGE)
    url = run.server.url + LARGE
    part = cut_download(["wget", "-q", "--tries=1", "--limit-rate", RATE, "-O", path, url], path)
    answer = clients.run(["wget", "-c", "-S", "--tries=1", "--timeout=20", "-O", path, url])
    log = answer.stderr.decode()
    size = run.tree.size(LARGE)
    demand(
        answer.returncode == 0 and "206 Partial Content" in log and re.search(rf"Content-Length: {size - part}\b", log),
        f"wget -c after {part:,} of {size:,} B: status {answer.returncode}, {log}")
    check_resumed(run, path, part)
    again = clients.run(["wget", "-c", "--tries=1", "--timeout=20", "-O", path, url])
    demand(b"fully retrieved" in again.stderr, f"wget -c with the whole file: {again}")
    check_resumed(run, path, part)
