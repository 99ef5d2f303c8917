"""Heads that one reader takes for one request and another for two: one answer is due, and then the end."""

import re
import time

from .checks import check, demand, excerpt
from .raw import Connection, Response, get, request

HOST = b"Host: files.test\r\n"
# What a smuggled request would ask for. Nothing else that is sent here has such an answer.
SMUGGLED = request("/4095.bin", host="smuggled.test")
SMUGGLED_LENGTH = b"Content-Length: 4095\r\n"


def head(*lines, start=b"GET /one.bin HTTP/1.1\r\n", host=HOST):
    return start + host + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


# Requests with nothing wrong but what is named; each by the statuses that it may be answered with.
BAD_LINES = {
    "lines end with LF": (b"GET /one.bin HTTP/1.1\nHost: files.test\n\n", 400),
    "the request line ends with LF": (b"GET /one.bin HTTP/1.1\n" + HOST + b"\r\n", 400),
    "a field line ends with LF": (b"GET /one.bin HTTP/1.1\r\nHost: files.test\nA: b\r\n\r\n", 400),
    "the head ends with LF": (b"GET /one.bin HTTP/1.1\r\n" + HOST + b"\n", 400),
    "CR without LF in a field": (head(b"A: b\rc"), 400),
    "CR CR LF": (b"GET /one.bin HTTP/1.1\r\r\n" + HOST + b"\r\n", 400),
    "CR without LF as the end of a field": (b"GET /one.bin HTTP/1.1\r\nA: b\r" + HOST + b"\r\n", 400),
    "a folded field": (head(b"A: b", b" c"), 400),
    "a folded field, by a tab": (head(b"A: b", b"\tc"), 400),
    "a fold before the first field": (b"GET /one.bin HTTP/1.1\r\n A: b\r\n" + HOST + b"\r\n", 400),
    "a folded Transfer-Encoding": (head(b"Transfer-Encoding:", b" chunked"), 400),
    "a space before the colon": (head(b"A : b"), 400),
    "a tab before the colon": (head(b"A\t: b"), 400),
    "a space before the colon of a length": (head(b"Content-Length : 5"), 400),
    "a space before the colon of a coding": (head(b"Transfer-Encoding : chunked"), 400),
    "a field without a colon": (head(b"A"), 400),
    "a field without a name": (head(b": b"), 400),
    "a name of two words": (head(b"A b: c"), 400),
    "a NUL in a field": (head(b"A: b\0c"), 400),
    "a NUL in a name": (head(b"A\0: b"), 400),
    "a NUL in the target": (b"GET /one.bin\0 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a control character in a field": (head(b"A: b\x01c"), 400),
    "DEL in a field": (head(b"A: b\x7fc"), 400),
    "a vertical tab before a coding": (head(b"Transfer-Encoding: \x0bchunked"), 400),
    "a form feed in a length": (head(b"Content-Length: \x0c5"), 400),
    "a name of UTF-8": (head("Ä: b".encode()), 400),
    "a quote in a name": (head(b'"A": b'), 400),
}
BAD_REQUEST_LINES = {
    "no version": (b"GET /one.bin\r\n" + HOST + b"\r\n", 400),
    "two spaces before the target": (b"GET  /one.bin HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "two spaces after the target": (b"GET /one.bin  HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a tab for a space": (b"GET\t/one.bin HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a space at the end": (b"GET /one.bin HTTP/1.1 \r\n" + HOST + b"\r\n", 400),
    "a space at the start": (b" GET /one.bin HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a space in the target": (b"GET /one.bin /b HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "no method": (b"/one.bin HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "no target": (b"GET HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a version in lower case": (b"GET /one.bin http/1.1\r\n" + HOST + b"\r\n", 400),
    "a version of two digits": (b"GET /one.bin HTTP/1.10\r\n" + HOST + b"\r\n", 400),
    "a version without a point": (b"GET /one.bin HTTP/11\r\n" + HOST + b"\r\n", 400),
    "a version with a sign": (b"GET /one.bin HTTP/+1.1\r\n" + HOST + b"\r\n", 400),
    "a version that is not known": (b"GET /one.bin HTTP/2.0\r\n" + HOST + b"\r\n", 400, 505),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 505),
    "a version of the future": (b"GET /one.bin HTTP/1.2\r\n" + HOST + b"\r\n", 400, 505),
    "a method with a quote": (b'G"T /one.bin HTTP/1.1\r\n' + HOST + b"\r\n", 400),
    "two empty lines": (b"\r\n\r\n" + head(), 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(80) + b"\r\n\r\n", 400),
    "CONNECT with a path": (b"CONNECT /one.bin HTTP/1.1\r\n" + HOST + b"\r\n", 400, 405),
    "* for GET": (b"GET * HTTP/1.1\r\n" + HOST + b"\r\n", 400),
}
BAD_HOSTS = {
    "no Host": (head(host=b""), 400),
    "two Hosts": (head(HOST.strip()), 400),
    "two Hosts that differ": (head(b"Host: other.test"), 400),
    "two Hosts, in another case": (head(b"HOST: files.test"), 400),
    "an empty Host": (head(host=b"Host:\r\n"), 400),
    "a Host with a path": (head(host=b"Host: files.test/a\r\n"), 400),
    "a Host with a user": (head(host=b"Host: a@files.test\r\n"), 400),
    "a Host of two": (head(host=b"Host: files.test, other.test\r\n"), 400),
    "a Host with a space": (head(host=b"Host: files.test other.test\r\n"), 400),
    "a Host with a bad port": (head(host=b"Host: files.test:a\r\n"), 400),
    "no Host with an absolute target": (head(start=b"GET http://files.test/one.bin HTTP/1.1\r\n", host=b""), 400),
}
BAD_LENGTHS = {
    f"Content-Length: {value.decode(errors='replace')}": (head(b"Content-Length: " + value), 400)
    for value in [
        b"", b"+5", b"-5", b"-0", b"5, 5", b"5,6", b"5 5", b"0x5", b"5.0", b"1e1", b"5;a", b"five", b"'5'", b"99999999999999999999",
        b"18446744073709551621", b"\xd9\xa5", b"5\0",
    ]
} | {
    "two lengths": (head(b"Content-Length: 5", b"Content-Length: 5"), 400),
    "two lengths that differ": (head(b"Content-Length: 0", b"Content-Length: 5"), 400),
    "two lengths, in another case": (head(b"Content-Length: 0", b"CONTENT-LENGTH: 5"), 400),
    "both lengths": (head(b"Content-Length: 5", b"Transfer-Encoding: chunked"), 400),
    "both lengths, the other way": (head(b"Transfer-Encoding: chunked", b"Content-Length: 5"), 400),
    "both lengths, one of 0": (head(b"Transfer-Encoding: chunked", b"Content-Length: 0"), 400),
    "chunked in HTTP/1.0": (head(b"Transfer-Encoding: chunked", start=b"GET /one.bin HTTP/1.0\r\n"), 400),
    "chunked, chunked": (head(b"Transfer-Encoding: chunked, chunked"), 400),
    "chunked twice": (head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), 400),
    "chunked, identity": (head(b"Transfer-Encoding: chunked, identity"), 400),
    "identity": (head(b"Transfer-Encoding: identity"), 400, 501),
    "identity, chunked": (head(b"Transfer-Encoding: identity, chunked"), 400, 501),
    "gzip, chunked": (head(b"Transfer-Encoding: gzip, chunked"), 400, 501),
    "xchunked": (head(b"Transfer-Encoding: xchunked"), 400, 501),
    '"chunked"': (head(b'Transfer-Encoding: "chunked"'), 400, 501),
    "chunked with a parameter": (head(b"Transfer-Encoding: chunked;a=b"), 400, 501),
    "no coding": (head(b"Transfer-Encoding:"), 400, 501),
    "an expectation that nobody knows": (head(b"Expect: the-unexpected"), 417),
}
BODIES = {
    # Of GET it has no meaning: it may be refused, as it is here, never be taken for a request.
    "GET with a body": (head(b"Content-Length: %d" % len(SMUGGLED)), 413),
    "HEAD with a body": (head(b"Content-Length: %d" % len(SMUGGLED), start=b"HEAD /one.bin HTTP/1.1\r\n"), 413),
    "GET with a chunked body": (head(b"Transfer-Encoding: chunked") + b"%x\r\n" % len(SMUGGLED), 413),
    "POST with a body": (head(b"Content-Length: %d" % len(SMUGGLED), start=b"POST /one.bin HTTP/1.1\r\n"), 405),
    "POST with a chunked body": (head(b"Transfer-Encoding: chunked", start=b"POST /one.bin HTTP/1.1\r\n") + b"0\r\n\r\n", 405),
    "PUT that waits for 100": (
        head(b"Content-Length: %d" % len(SMUGGLED), b"Expect: 100-continue", start=b"PUT /one.bin HTTP/1.1\r\n"), 405, 417),
    "OPTIONS with a body": (head(b"Content-Length: %d" % len(SMUGGLED), start=b"OPTIONS * HTTP/1.1\r\n"), 200, 413),
}


def check_corpus(run, corpus):
    for what, (data, *statuses) in corpus.items():
        # In one segment, and one byte at a time: the result is the same.
        for piece in (None, 1):
            with Connection(run.server, seconds=10) as connection:
                connection.send(data + SMUGGLED, piece)
                received = connection.read_to_end()
            asked = f"{what}{' (byte by byte)' if piece else ''}"
            came = f"\n  asked: {asked}: {excerpt(data + SMUGGLED)}\n  came:  {excerpt(received)}"
            demand(received.endswith(b"\r\n\r\n") or b"\r\n\r\n" in received, f"wanted: a response{came}")
            answer, _, rest = received.partition(b"\r\n\r\n")
            response = Response(data, answer + b"\r\n\r\n")
            demand(response.status in statuses, f"wanted: status {' or '.join(map(str, statuses))}{came}")
            demand(response.closes, f"wanted: Connection: close{came}")
            demand(
                not re.search(rb"HTTP/1\.[01] [1-5]", rest) and SMUGGLED_LENGTH not in received,
                f"wanted: one response{came}")


@check("a request and the one behind it are answered twice, as a measure of the checks that follow")
def control(run):
    for data in (
        head(), head(b"A: b"), head(b"Content-Length: 0"), b"\r\n" + head(), head(b"A:b"), head(b"A: \t b \t"), head(b"A:"),
    ):
        for piece in (None, 1):
            with Connection(run.server) as connection:
                connection.send(data + SMUGGLED, piece)
                connection.read_response().demand_status(200)
                response = connection.read_response()
                response.demand_body(run.tree.read("4095.bin"))


@check("lines that are not as they must be: 400, and the end", seconds=60)
def lines(run):
    check_corpus(run, BAD_LINES)


@check("request lines that are not as they must be: 400, and the end", seconds=60)
def request_lines(run):
    check_corpus(run, BAD_REQUEST_LINES)


@check("no Host, two, or a bad one: 400, and the end", seconds=60)
def hosts(run):
    check_corpus(run, BAD_HOSTS)


@check("lengths and codings that leave open where a body ends: 400, and the end", seconds=60)
def lengths(run):
    check_corpus(run, BAD_LENGTHS)


@check("a request within a body is not answered", seconds=60)
def bodies(run):
    check_corpus(run, BODIES)


@check("no control character is let pass, anywhere")
def control_characters(run):
    for code in [*range(0x09), *range(0x0b, 0x0d), *range(0x0e, 0x20), 0x7f]:
        character = bytes([code])
        for data in (
            head(b"A: " + character), head(b"A" + character + b": b"),
            head(start=b"GET /one.bin" + character + b" HTTP/1.1\r\n"),
        ):
            with Connection(run.server) as connection:
                connection.send(data)
                connection.read_response().demand_status(400)
                connection.demand_end()


@check("random bytes, and requests with random changes, end no server and give no more answers than heads", seconds=60)
def random_bytes(run):
    choice = run.random("random bytes")
    end = time.monotonic() + (15 if run.is_long else 1.5)
    while time.monotonic() < end:
        data = bytearray(head(b"Range: bytes=0-0", b"Accept: */*", b"Connection: close"))
        for _ in range(choice.randrange(1, 6)):
            place = choice.randrange(len(data))
            data[place : place + choice.randrange(3)] = choice.choice(
                [b"", choice.randbytes(1), b"\r\n", b":", b" ", b"\n", b"\r", b"%", b"\0"])
        if choice.random() < 0.1:
            data = choice.randbytes(choice.randrange(1, 3000))
        with Connection(run.server) as connection:
            connection.send(bytes(data))
            connection.end()
            received = connection.read_to_end()
            # Where the changes make an end of a head, a second one begins there.
            due = bytes(data).count(b"\r\n\r\n") + 1
            found = len(re.findall(rb"HTTP/1\.1 [1-5]", received))
            demand(
                found <= due,
                f"wanted: at most {due} responses (seed {run.seed})\n  asked: {bytes(data)!r}\n  came: {excerpt(received)}")
    get(run.server, "/one.bin").demand_status(200)
