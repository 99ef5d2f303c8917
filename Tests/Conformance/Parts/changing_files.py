"""Files that change while they are sent: the right bytes of one version, or a broken connection."""

import os
import threading
import time

from .checks import check, demand
from .raw import Broken, Connection, get, request
from .tree import MEBIBYTE

BYTE_COUNT = 24 * MEBIBYTE
# What the client reads before the file changes. The kernel's buffers hold some MiB more: the rest was not read yet.
FIRST_BYTE_COUNT = MEBIBYTE
CACHE_SECONDS = 0.2


def version(run, number, byte_count=BYTE_COUNT):
    return run.random(f"version {number}").randbytes(byte_count)


def download(run, server, change, old):
    """Reads a little of a file, has it changed, and reads the rest. The bytes, and whether all came."""
    path = run.tree.path("changing.bin")
    with open(path, "wb") as file:
        file.write(old)
    # What the server knows of the one before is out of date then.
    time.sleep(2 * CACHE_SECONDS)
    with Connection(server, receive_byte_count=65_536) as connection:
        connection.send(request("/changing.bin"))
        response = connection.read_head()
        response.demand_status(200)
        response.demand_field("Content-Length", str(len(old)))
        received = connection.read_body(FIRST_BYTE_COUNT)
        change(path)
        try:
            rest, is_whole = connection.read_body(), True
        except Broken as failure:
            rest, is_whole = failure.received, False
        return received + rest, is_whole


def describe(received, old):
    same = next((i for i in range(0, len(received), 4096) if received[i : i + 4096] != old[i : i + 4096]), len(received))
    return f"{len(received):,} B, of which those from about {same:,} on are not the version's"


def check_engines(run, change, may_be_mixed_when_broken=False):
    old = version(run, 1)
    engines = ("auto", "buffered", "direct") if not run.against else ("",)
    for engine in engines:
        with run.serve("--engine", engine, "--cache-max-age", str(CACHE_SECONDS)) as server:
            received, is_whole = download(run, server, change, old)
            if is_whole:
                demand(
                    received == old,
                    f"--engine {engine}: a response came whole with other bytes: {describe(received, old)}")
            else:
                demand(len(received) < len(old), f"--engine {engine}: broken, and {len(received):,} B came")
                demand(
                    may_be_mixed_when_broken or old.startswith(received),
                    f"--engine {engine}: before it broke came other bytes: {describe(received, old)}")
            yield engine, server, is_whole


def demand_new(run, server, content, seconds=2.5):
    """That the new version is served soon."""
    deadline = time.monotonic() + seconds
    while (response := get(server, "/changing.bin")).body != content and time.monotonic() < deadline:
        time.sleep(0.02)
    response.demand_status(200)
    response.demand_body(content)


@check("replaced by another file: the old one comes to its end, the next request gets the new one", seconds=60)
def replaced(run):
    new = version(run, 2)

    def change(path):
        with open(path + ".new", "wb") as file:
            file.write(new)
        os.rename(path + ".new", path)

    for engine, server, is_whole in check_engines(run, change):
        demand(is_whole, f"--engine {engine}: a file that is still there, without its name, did not come whole")
        demand_new(run, server, new)


@check("deleted: it comes to its end, and is then not there", seconds=60)
def deleted(run):
    for engine, server, is_whole in check_engines(run, os.unlink):
        demand(is_whole, f"--engine {engine}: a file that is still there, without its name, did not come whole")
        time.sleep(2 * CACHE_SECONDS)
        get(server, "/changing.bin").demand_status(404)


@check("truncated: the connection breaks, and nothing is made up", seconds=60)
def truncated(run):
    for size in (BYTE_COUNT // 2 + 77, 0):
        for engine, server, is_whole in check_engines(run, lambda path, size=size: os.truncate(path, size)):
            demand(not is_whole, f"--engine {engine}: a file truncated to {size:,} of {BYTE_COUNT:,} B came whole")
            demand_new(run, server, version(run, 1)[:size])


@check("truncated by one byte: so it is for the last block", seconds=60)
def truncated_by_one(run):
    for engine, _, is_whole in check_engines(run, lambda path: os.truncate(path, BYTE_COUNT - 1)):
        demand(not is_whole, f"--engine {engine}: a file truncated by one byte came whole")


@check("grown: never more than was promised, and the next request gets it all", seconds=60)
def grown(run):
    more = version(run, 3, MEBIBYTE)

    def change(path):
        with open(path, "ab") as file:
            file.write(more)

    for _, server, _ in check_engines(run, change):
        demand_new(run, server, version(run, 1) + more)


@check("overwritten in its place: never whole with bytes of two versions", seconds=60)
def overwritten(run):
    new = version(run, 4)

    def change(path):
        with open(path, "r+b") as file:
            file.write(new)

    for engine, server, is_whole in check_engines(run, change, may_be_mixed_when_broken=True):
        # Most of it had not been read when it was overwritten.
        demand(not is_whole, f"--engine {engine}: a file that was overwritten meanwhile came whole")
        demand_new(run, server, new)


@check("truncated and written anew, as long as before: never whole with bytes of two versions", seconds=60)
def rewritten(run):
    new = version(run, 5)

    def change(path):
        with open(path, "wb") as file:
            file.write(new)

    for engine, server, is_whole in check_engines(run, change, may_be_mixed_when_broken=True):
        demand(not is_whole, f"--engine {engine}: a file that was written anew meanwhile came whole")
        demand_new(run, server, new)


@check("replaced again and again: each response is one version, and versions only get newer", seconds=60)
def replaced_often(run):
    byte_count = 300_000
    is_over = threading.Event()
    path = run.tree.path("often.bin")

    def content(number):
        return number.to_bytes(4) * (byte_count // 4 + number % 7)

    def put(number):
        with open(path + ".new", "wb") as file:
            file.write(content(number))
        os.rename(path + ".new", path)

    def change():
        number = 1
        while not is_over.is_set():
            number += 1
            put(number)
            time.sleep(0.003)

    put(1)
    changer = threading.Thread(target=change)
    changer.start()
    try:
        with run.serve() as server, Connection(server) as connection:
            newest, seen = 0, set()
            end = time.monotonic() + (15 if run.is_long else 3)
            while time.monotonic() < end:
                response = connection.get("/often.bin")
                response.demand_status(200)
                number = int.from_bytes(response.body[:4])
                response.demand_body(content(number))
                # One reactor keeps one open file at a time.
                demand(number >= newest, f"version {number} after version {newest}, on one connection")
                newest = number
                seen.add(number)
            demand(len(seen) > 1, f"the file was not seen to change in {len(seen)} versions")
    finally:
        is_over.set()
        changer.join()
