"""What happens at each limit, and that others go on meanwhile."""

import os
import time

from .checks import Failure, Skipped, check, demand
from .raw import Broken, Connection, get, request
from .tree import LARGE, MEBIBYTE

READER_COUNT = 16
SLOW_FILE = "slow.bin"
SLOW_BYTE_COUNT = 64 * MEBIBYTE
# Two blocks, of at most 1 MiB each, and what a connection costs beside them.
BYTE_COUNT_PER_READER = 2 * MEBIBYTE + MEBIBYTE // 2


def demand_refused(connection, status):
    response = connection.read_response()
    response.demand_status(status)
    response.demand(response.closes, "Connection: close")
    connection.demand_end()
    return response


@check("a head that is too large is refused with 431, and one that just fits is not")
def head_too_large(run):
    limit = 16_384
    base = len(request("/one.bin", "A: "))
    get(run.server, "/one.bin", "A: " + "a" * (limit - base)).demand_status(200)
    for surplus, piece in ((1, None), (5000, None), (200_000, None), (5000, 100)):
        with Connection(run.server) as connection:
            connection.send(request("/one.bin", "A: " + "a" * (limit - base + surplus)), piece)
            demand_refused(connection, 431)
    with Connection(run.server) as connection:
        connection.send(request("/one.bin", *["A: a"] * 10_000))
        demand_refused(connection, 431)
    with run.serve("--max-head-size", "2048") as server, Connection(server) as connection:
        connection.send(request("/one.bin", "A: " + "a" * 2048))
        demand_refused(connection, 431)


@check("a target that is too long is refused with 414")
def target_too_long(run):
    get(run.server, "/one.bin?" + "q" * 8000).demand_status(200)
    for count in (9000, 40_000, 300_000):
        with Connection(run.server) as connection:
            connection.send(request("/one.bin?" + "q" * count))
            demand_refused(connection, 414)
    with Connection(run.server) as connection:
        # It does not end: that need not be waited for.
        connection.send(b"GET /" + b"x" * 20_000)
        demand_refused(connection, 414)


@check("a head that takes too long is refused with 408, however it trickles in; silence before one is not")
def head_too_slow(run):
    with run.serve("--head-timeout", "0.6") as server:
        with Connection(server) as silent, Connection(server) as stuck, Connection(server) as trickling:
            stuck.get("/one.bin").demand_status(200)
            start = time.monotonic()
            stuck.send(b"GET /one.bin HTTP/1.1\r\nHost: files.test\r\n")
            try:
                while time.monotonic() < start + 5:
                    trickling.socket.sendall(b"GET /one.bin HTTP/1.1\r\nA: "[:26] if trickling.asked == b"" else b"a")
                    trickling.asked = b"a head that does not end"
                    time.sleep(0.1)
                    if time.monotonic() > start + 3:
                        break
            except OSError:
                pass
            for connection in (stuck, trickling):
                demand_refused(connection, 408)
            seconds = time.monotonic() - start
            demand(0.5 < seconds < 4.5, f"408 after {seconds:.1f} s with --head-timeout 0.6")
            # It has sent nothing yet.
            silent.get("/one.bin").demand_status(200)


@check("a connection that is idle for too long is closed, without a word")
def idle(run):
    with run.serve("--idle-timeout", "0.5") as server, Connection(server) as silent, Connection(server) as used:
        used.get("/one.bin").demand_status(200)
        start = time.monotonic()
        silent.demand_end()
        used.demand_end()
        demand(time.monotonic() - start < 5, "idle connections were open for more than 5 s with --idle-timeout 0.5")


@check("connections past a limit are refused, and later ones served")
def too_many(run):
    with run.serve("--max-connections", "8", "--reactors", "1") as server:
        held = [Connection(server) for _ in range(8)]
        for connection in held:
            connection.get("/one.bin").demand_status(200)
        with Connection(server, seconds=5) as ninth:
            ninth.send(request("/one.bin"))
            rest = ninth.read_to_end()
            demand(b" 200 " not in rest, f"the ninth of 8 connections was served: {rest[:100]}")
        for connection in held:
            connection.socket.close()
        deadline = time.monotonic() + 5
        while True:
            try:
                get(server, "/one.bin").demand_status(200)
                break
            except (Broken, OSError):
                if time.monotonic() > deadline:
                    raise Failure("no connection was accepted for 5 s after all 8 had closed") from None
                time.sleep(0.05)


class SlowReaders:
    """Connections that ask for a large file, and read its head only."""

    def __init__(self, run, server, count):
        path = run.tree.path(SLOW_FILE)
        if not os.path.exists(path):
            with open(path, "wb") as file:
                file.truncate(SLOW_BYTE_COUNT)
                file.seek(SLOW_BYTE_COUNT - MEBIBYTE)
                file.write(run.random("slow").randbytes(MEBIBYTE))
        self.connections = [Connection(server, receive_byte_count=16_384) for _ in range(count)]
        for connection in self.connections:
            connection.send(request("/" + SLOW_FILE))
            connection.read_head().demand_status(200)

    def close(self):
        for connection in self.connections:
            connection.socket.close()


@check("a slow reader of a large file costs two blocks, others go on meanwhile, and it gets its bytes", seconds=60)
def slow_readers(run):
    with run.serve() as server:
        get(server, "/mebibyte.bin").demand_status(200)
        before = server.memory()
        readers = SlowReaders(run, server, READER_COUNT)
        time.sleep(0.5)
        for _ in range(10):
            start = time.monotonic()
            get(server, "/mebibyte.bin").demand_body(run.tree.read("mebibyte.bin"))
            demand(time.monotonic() - start < 5, f"beside {READER_COUNT} slow readers 1 MiB took more than 5 s")
        used = server.memory() - before
        bound = READER_COUNT * BYTE_COUNT_PER_READER + 4 * MEBIBYTE
        demand(used <= bound, f"{READER_COUNT} slow readers of {SLOW_BYTE_COUNT:,} B: {used:,} B of memory, at most {bound:,}")
        reader = readers.connections[0]
        body = reader.read_body()
        demand(body == run.tree.read(SLOW_FILE), "a slow reader got other bytes in the end")
        reader.get("/one.bin").demand_status(200)
        readers.close()


@check("readers that stop reading do not take the last blocks from others", seconds=60)
def scarce_blocks(run):
    run.need_pooled_echo()
    for engine in ("buffered", "direct"):
        with run.serve("--engine", engine, "--reactors", "1", "--pool-size", str(8 * MEBIBYTE)) as server:
            readers = SlowReaders(run, server, 8)
            for _ in range(32):
                connection = Connection(server, receive_byte_count=16_384)
                connection.send(request("/" + SLOW_FILE))
                readers.connections.append(connection)
            for name in ("one.bin", "mebibyte.bin"):
                start = time.monotonic()
                get(server, "/" + name).demand_body(run.tree.read(name))
                seconds = time.monotonic() - start
                demand(
                    seconds < 8,
                    f"--engine {engine}: beside 40 readers that do not read, in 8 MiB of memory, {name} took {seconds:.1f} s")
            readers.close()


@check("a reader that takes less than --min-rate is cut, by a reset, and no other one", seconds=60)
def too_slow_reader(run):
    if not run.is_long:
        raise Skipped("the grace alone is ten seconds: with --long")
    with run.serve("--min-rate", "1000000") as server:
        readers = SlowReaders(run, server, 1)
        with Connection(server) as other:
            start = time.monotonic()
            while time.monotonic() < start + 16:
                other.get("/4096.bin").demand_status(200)
                time.sleep(0.2)
            other.get("/4096.bin").demand_status(200)
        try:
            readers.connections[0].read_body()
            raise Failure(f"a reader that took nothing for 16 s got all of {SLOW_BYTE_COUNT:,} B")
        except Broken:
            readers.close()


@check("SIGTERM lets a download finish, and ends with status 0; idle connections are closed, new ones refused")
def drain(run):
    run.need_pooled_echo()
    with run.serve("--drain-timeout", "20") as server, Connection(server) as idle_one:
        idle_one.get("/one.bin")
        with Connection(server, receive_byte_count=65_536) as connection:
            connection.send(request("/" + LARGE))
            head = connection.read_head()
            received = connection.read_body(MEBIBYTE)
            server.terminate()
            idle_one.demand_end()
            time.sleep(0.3)
            demand(server.process.poll() is None, "the server ended with a download under way")
            demand(not server.is_listening(server.port), "a server that drains takes new connections")
            try:
                received += connection.read_body()
            except Broken as failure:
                head.demand(False, f"the rest of the download after SIGTERM: {failure}")
            connection.demand_end()
        demand(received == run.tree.read(LARGE), "the download that SIGTERM let finish has other bytes")
        status = server.wait_for_end()
        demand(status == 0, f"the server ended with status {status} after a download that finished")


@check("past --drain-timeout a download is cut: fewer bytes than promised, and status 3")
def drain_is_bounded(run):
    run.need_pooled_echo()
    with run.serve("--drain-timeout", "1") as server:
        readers = SlowReaders(run, server, 1)
        start = time.monotonic()
        server.terminate()
        status = server.wait_for_end()
        seconds = time.monotonic() - start
        demand(status == 3, f"the server ended with status {status} where it cut a download")
        demand(0.5 < seconds < 5, f"it ended after {seconds:.1f} s with --drain-timeout 1")
        try:
            readers.connections[0].read_body()
            raise Failure("a download that was cut came whole")
        except Broken as failure:
            demand(run.tree.read(SLOW_FILE).startswith(failure.received), "what came of it are other bytes")
        readers.close()


@check("what is pipelined behind the request that is answered at SIGTERM is answered, or the connection closed: not half")
def drain_of_pipeline(run):
    run.need_pooled_echo()
    with run.serve("--drain-timeout", "20") as server, Connection(server, receive_byte_count=65_536) as connection:
        connection.send(request("/" + LARGE) + request("/4097.bin") * 3)
        connection.read_head()
        connection.read_body(MEBIBYTE)
        server.terminate()
        connection.read_body()
        rest = connection.read_to_end()
        count = 0
        while rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            demand(rest[:4097] == run.tree.read("4097.bin"), f"a response that is not whole: {head}, {len(rest):,} B")
            rest = rest[4097:]
            count += 1
        demand(count <= 3, f"{count} responses to 3 requests")
        demand(server.wait_for_end() == 0, "the server ended with another status than 0")
