"""What is no file to be served, or may not be read: the answer comes at once, and others are not held up."""

import os
import shutil
import socket
import stat
import threading
import time
from contextlib import contextmanager

from .checks import Skipped, check, demand
from .raw import Connection, get, request


def demand_at_once(server, target, *statuses):
    start = time.monotonic()
    response = get(server, target)
    response.demand_status(*statuses)
    seconds = time.monotonic() - start
    response.demand(seconds < 2, f"an answer within 2 s, not {seconds:.1f}")
    return response


@check("a pipe without a writer, or with one, is not there, and blocks nobody")
def pipes(run):
    path = run.tree.path("special/pipe")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.mkfifo(path)
    os.symlink("pipe", run.tree.path("special/link-to-pipe"))
    with run.serve("--reactors", "1") as server, Connection(server) as other:
        for target in ("/special/pipe", "/special/link-to-pipe"):
            demand_at_once(server, target, 403, 404)
        # Many at once, and another client beside them.
        asking = [Connection(server) for _ in range(20)]
        for connection in asking:
            connection.send(request("/special/pipe"))
        start = time.monotonic()
        other.get("/4097.bin").demand_body(run.tree.read("4097.bin"))
        demand(time.monotonic() - start < 2, "20 requests for a pipe hold up another one")
        for connection in asking:
            connection.read_response().demand_status(403, 404)
            connection.socket.close()

        def write():
            with open(path, "wb") as file:
                try:
                    file.write(b"from a writer")
                except BrokenPipeError:
                    pass

        # A writer may wait until somebody opens the pipe: what it writes does not come.
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        time.sleep(0.05)
        response = demand_at_once(server, "/special/pipe", 403, 404)
        response.demand(b"from a writer" not in response.body, "nothing of what was written")
        if writer.is_alive():
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        writer.join(5)


@check("a socket is not there")
def sockets(run):
    path = run.tree.path("special/socket")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        # Its path may be longer than an address.
        previous = os.getcwd()
        os.chdir(os.path.dirname(path))
        listener.bind("socket")
        os.chdir(previous)
        listener.listen()
        demand_at_once(run.server, "/special/socket", 403, 404)


@check("a device is not there")
def devices(run):
    os.makedirs(run.tree.path("special"), exist_ok=True)
    try:
        for name, number in (("null", 3), ("zero", 5), ("full", 7), ("random", 8)):
            os.mknod(run.tree.path(f"special/{name}"), 0o666 | stat.S_IFCHR, os.makedev(1, number))
    except PermissionError:
        raise Skipped("only root makes devices") from None
    for name in ("null", "zero", "full", "random"):
        demand_at_once(run.server, f"/special/{name}", 403, 404)


@contextmanager
def unprivileged(run, *arguments):
    """A server that may not read everything: as root it is run as another user, from where that may run it."""
    if os.geteuid() != 0 or run.against:
        with run.serve(*arguments) as server:
            yield server
        return
    if not shutil.which("setpriv"):
        raise Skipped("setpriv is not installed")
    program = shutil.copy(run.program, run.folder(f"program-{time.monotonic_ns()}"))
    os.chmod(program, 0o755)
    # A user that nobody else is, most likely: locked memory is counted by user.
    launcher = ["setpriv", f"--reuid={40_000 + os.getpid() % 20_000}", "--regid=65534", "--clear-groups"]
    with run.serve(*arguments, launcher=launcher, program=program) as server:
        yield server


@check("what may not be read is refused, and a directory that may not be searched hides its files")
def unreadable(run):
    run.tree.write("closed/file.txt", b"unreadable")
    run.tree.write("closed/directory/file.txt", b"unreadable")
    run.tree.write("closed/unlisted/file.txt", b"readable")
    run.tree.write("closed/unlisted/other.txt", b"unreadable")
    for name, mode in {
        "file.txt": 0, "directory": 0o644, "unlisted/other.txt": 0, "unlisted": 0o711,
    }.items():
        os.chmod(run.tree.path(f"closed/{name}"), mode)
    try:
        with unprivileged(run, "--listing") as server:
            demand_at_once(server, "/a/b/file.txt", 200)
            demand_at_once(server, "/closed/unlisted/file.txt", 200).demand_body(b"readable")
            for target in (
                "/closed/file.txt", "/closed/directory/file.txt", "/closed/directory/absent", "/closed/unlisted/other.txt",
                "/closed/unlisted/",
            ):
                response = demand_at_once(server, target, 403, 404)
                response.demand(b"unreadable" not in response.body and b"other.txt" not in response.body, "nothing of it")
    finally:
        os.chmod(run.tree.path("closed/directory"), 0o755)


@check("what is no regular file is not in a listing")
def unlisted(run):
    path = run.tree.path("special/plain.txt")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"plain")
    if not os.path.exists(run.tree.path("special/pipe-2")):
        os.mkfifo(run.tree.path("special/pipe-2"))
    with run.serve("--listing") as server:
        response = get(server, "/special/", "Accept: application/json")
        response.demand_status(200)
        response.demand(b"plain.txt" in response.body and b'"pipe-2"' not in response.body, "the file, and not the pipe")
