"""What every message has, and how connections go on and end."""

import email.utils
import time

from .checks import check, demand
from .raw import Connection, get, request
from .tree import SIZES

NAMES = [*SIZES]


def ask_for(names, *last_fields):
    """Requests for files, one behind the other; the fields are of the last one."""
    return b"".join(request("/" + name) for name in names[:-1]) + request("/" + names[-1], *last_fields)


def demand_files(run, connection, names):
    for name in names:
        response = connection.read_response()
        response.demand_status(200)
        response.demand_body(run.tree.read(name))


@check("a response has the date of now")
def date(run):
    for target, method in (("/4096.bin", "GET"), ("/absent", "GET"), ("/4096.bin", "HEAD"), ("/", "POST")):
        response = get(run.server, target, method=method)
        text = response.fields.get("date", "")
        response.demand(text.endswith(" GMT"), "a Date in GMT")
        seconds = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
        response.demand(-3 < seconds < 2, f"a Date of now, not of {seconds:.1f} s off")
        response.demand(
            text == email.utils.formatdate(time.time() + seconds + 0.5, usegmt=True), "a Date as RFC 9110, 5.6.7 has it")


@check("the date moves on while a connection stays open")
def date_moves(run):
    with Connection(run.server) as connection:
        first = connection.get("/one.bin")
        time.sleep(2.1)
        second = connection.get("/one.bin")
        second.demand(first.fields.get("date") != second.fields.get("date"), "a Date later than two seconds before")


@check("OPTIONS tells the methods, of a file and of the server")
def options(run):
    for target in ("/4096.bin", "/absent", "*", "/"):
        with Connection(run.server) as connection:
            response = connection.get(target, method="OPTIONS")
            response.demand_status(200, 204)
            methods = {method.strip() for method in response.fields.get("allow", "").split(",")}
            response.demand({"GET", "HEAD", "OPTIONS"} <= methods, "an Allow with GET, HEAD and OPTIONS")
            connection.get("/one.bin").demand_status(200)


@check("other methods are refused: 405 with Allow, or 501 for what is no method")
def other_methods(run):
    for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE"):
        response = get(run.server, "/4096.bin", method=method)
        response.demand_status(405)
        response.demand("GET" in response.fields.get("allow", ""), "an Allow with GET")
    for method in ("get", "Head", "GETT", "PROPFIND", "BREW"):
        get(run.server, "/4096.bin", method=method).demand_status(405, 501)


@check("TRACE and OPTIONS echo nothing that was sent")
def no_echo(run):
    for method in ("TRACE", "OPTIONS"):
        response = get(run.server, "/4096.bin", "Cookie: a-secret-of-the-client", method=method)
        demand(b"a-secret-of-the-client" not in response.head + response.body, f"wanted: nothing of the Cookie\n{response}")


@check("content types are told by names, in either case")
def content_types(run):
    for name, wanted in {
        "type.html": "text/html; charset=utf-8", "type.HTM": "text/html; charset=utf-8",
        "type.txt": "text/plain; charset=utf-8",
        "type.css": "text/css; charset=utf-8", "type.js": "text/javascript; charset=utf-8",
        "type.json": "application/json",
        "type.svg": "image/svg+xml", "type.png": "image/png", "type.JPG": "image/jpeg", "type.webp": "image/webp",
        "type.pdf": "application/pdf", "type.wasm": "application/wasm", "type.mp4": "video/mp4",
        "type.woff2": "font/woff2",
        "type.tar.gz": "application/gzip", "type.xml": "application/xml", "type.md": "text/markdown; charset=utf-8",
        "type": "application/octet-stream", "type.unknown": "application/octet-stream",
        "html": "application/octet-stream",
    }.items():
        run.tree.write(name, b"<b>")
        get(run.server, "/" + name).demand_field("Content-Type", wanted)


@check("a connection stays open, and is closed after the response when the client asks for that")
def keep_alive(run):
    with Connection(run.server) as connection:
        for _ in range(3):
            response = connection.get("/4097.bin")
            response.demand_body(run.tree.read("4097.bin"))
            response.demand(not response.closes, "a connection that stays open")
        for _ in range(2):
            connection.get("/absent").demand_status(404)
        response = connection.get("/4097.bin", "Connection: close")
        response.demand_body(run.tree.read("4097.bin"))
        response.demand(response.closes, "Connection: close")
        connection.demand_end()
    for value in ("Close", "keep-alive, close", "close, TE", "foo,close"):
        with Connection(run.server) as connection:
            response = connection.get("/4097.bin", f"Connection: {value}")
            response.demand(response.closes, "Connection: close")
            connection.demand_end()


@check("HTTP/1.0: closed after the response, or kept when the client asks for that and is told so")
def http_1_0(run):
    with Connection(run.server) as connection:
        response = connection.get("/4097.bin", version="HTTP/1.0")
        response.demand_body(run.tree.read("4097.bin"))
        connection.demand_end()
    with Connection(run.server) as connection:
        # Such a client need not send a Host.
        response = connection.get("/4097.bin", version="HTTP/1.0", host=None)
        response.demand_body(run.tree.read("4097.bin"))
        connection.demand_end()
    with Connection(run.server) as connection:
        for _ in range(2):
            response = connection.get("/4097.bin", "Connection: Keep-Alive", version="HTTP/1.0")
            response.demand_body(run.tree.read("4097.bin"))
            response.demand(response.fields.get("connection", "").lower() == "keep-alive", "Connection: keep-alive")
        connection.get("/one.bin", version="HTTP/1.0")
        connection.demand_end()


@check("requests in one segment are answered in their order")
def pipelined(run):
    choice = run.random("pipelining")
    for count in (2, 5, 30, 400 if run.is_long else 120):
        names = [choice.choice(NAMES if count < 100 else NAMES[:5]) for _ in range(count)]
        with Connection(run.server) as connection:
            connection.send(ask_for(names, "Connection: close"))
            demand_files(run, connection, names)
            connection.demand_end()


@check("so are requests of different kinds")
def pipelined_kinds(run):
    tag = get(run.server, "/4096.bin").fields.get("etag")
    kinds = [
        (request("/mebibyte.bin"), "GET", 200), (request("/mebibyte.bin", method="HEAD"), "HEAD", 200),
        (request("/absent"), "GET", 404), (request("/4096.bin", f"If-None-Match: {tag}"), "GET", 304),
        (request("/4096.bin", "Range: bytes=1-5"), "GET", 206), (request("/empty.bin"), "GET", 200),
        (request("/4096.bin", "Range: bytes=9999-"), "GET", 416), (request("*", method="OPTIONS"), "OPTIONS", 200),
        (request("/a"), "GET", 301), (b"\r\n" + request("/one.bin"), "GET", 200),
    ]
    choice = run.random("kinds")
    for _ in range(20 if run.is_long else 4):
        choice.shuffle(kinds)
        with Connection(run.server) as connection:
            connection.send(b"".join(data for data, _, _ in kinds))
            for data, method, status in kinds:
                response = connection.read_response(method)
                response.asked = data
                response.demand_status(status)


@check("requests may come one byte at a time")
def byte_by_byte(run):
    names = ["4097.bin", "empty.bin", "one.bin"]
    with Connection(run.server) as connection:
        connection.send(ask_for(names, "Connection: close"), piece_byte_count=1)
        demand_files(run, connection, names)
        connection.demand_end()


@check("requests may be cut anywhere")
def cut_anywhere(run):
    names = ["4095.bin", "one.bin"]
    data = ask_for(names)
    for place in range(1, len(data)):
        with Connection(run.server) as connection:
            connection.send(data[:place])
            time.sleep(0.0005)
            connection.send(data[place:])
            demand_files(run, connection, names)


@check("pipelined requests of random sizes of segments are answered in their order")
def random_segments(run):
    choice = run.random("segments")
    for _ in range(50 if run.is_long else 10):
        names = [choice.choice(NAMES[:5]) for _ in range(40)]
        data = ask_for(names, "Connection: close")
        with Connection(run.server) as connection:
            start = 0
            while start < len(data):
                count = choice.choice([1, 7, 100, 3000])
                connection.send(data[start : start + count])
                start += count
            demand_files(run, connection, names)
            connection.demand_end()


@check("a client that ends its side after its requests gets all responses")
def half_closed(run):
    names = ["mebibyte.bin", "one.bin", "mebibyte.bin"]
    with Connection(run.server) as connection:
        connection.send(ask_for(names))
        connection.end()
        demand_files(run, connection, names)
        connection.demand_end()


@check("how a connection ends does not touch the next one, even where the client is gone at once")
def end_and_beginning(run):
    with run.serve("--reactors", "1") as server:
        for number in range(20_000 if run.is_long else 4000):
            # The last response of its connection, whose end is not waited for.
            if number % 2:
                get(server, "/..").demand_status(400)
            else:
                get(server, "/one.bin", "Connection: close").demand_status(200)
            # A name that was not looked for before: the answer takes as long as an open.
            get(server, f"/absent-{number}").demand_status(404)


@check("a target may be absolute")
def absolute_form(run):
    for target in ("http://files.test/4096.bin", "HTTP://other.test:81/4096.bin?query", "http://[::1]:80/4096.bin"):
        response = get(run.server, target)
        response.demand_status(200)
        response.demand_body(run.tree.read("4096.bin"))
