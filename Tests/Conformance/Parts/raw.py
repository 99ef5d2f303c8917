"""An HTTP/1.1 client that sends any bytes, and takes responses apart strictly."""

import re
import socket

from .checks import Failure, demand, excerpt

STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9]) [\x20-\x7e]*")
FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\x80-\xff\t]*?)[ \t]*")
# What a response may have once only.
SINGLE_FIELDS = {"content-length", "content-type", "content-range", "date", "etag", "last-modified", "location"}


class Broken(Failure):
    """The connection ended, or was reset, before the response did."""

    def __init__(self, sentence, received):
        super().__init__(sentence)
        self.received = received


def request(target, *fields, method="GET", version="HTTP/1.1", host="files.test"):
    """The bytes of a request; `fields` are whole lines, without their ends."""
    lines = [f"{method} {target} {version}"] + ([f"Host: {host}"] if host else []) + list(fields)
    return "".join(line + "\r\n" for line in lines + [""]).encode()


class Response:
    """A head, and the body once it was read. `str` of it tells what was asked, too."""

    def __init__(self, asked, head):
        self.asked, self.head, self.body = asked, head, b""
        lines = head[: -len(b"\r\n\r\n")].split(b"\r\n")
        status = STATUS_LINE.fullmatch(lines[0])
        self.demand(status, "a status line")
        self.status = int(status[1])
        self.fields = {}
        for line in lines[1:]:
            parts = FIELD_LINE.fullmatch(line)
            self.demand(parts, f"a field line, not {line!r}")
            name, value = parts[1].decode().lower(), parts[2].decode("latin-1")
            self.demand(name not in self.fields or name not in SINGLE_FIELDS, f"one {name}")
            self.fields[name] = value

    def __str__(self):
        return f"  asked: {excerpt(self.asked)}\n  came:  {excerpt(self.head)}, a body of {len(self.body):,} B"

    def demand(self, holds, wanted):
        demand(holds, f"wanted: {wanted}\n{self}")

    def demand_status(self, *statuses):
        self.demand(self.status in statuses, f"status {' or '.join(map(str, statuses))}")

    def demand_field(self, name, value):
        self.demand(self.fields.get(name.lower()) == value, f"{name}: {value}")

    def demand_body(self, body):
        if self.body != body:
            both = min(len(body), len(self.body))
            wrong = next((i for i in range(both) if body[i] != self.body[i]), both)
            self.demand(False, f"{len(body):,} B of body; they differ from byte {wrong:,} on")

    @property
    def closes(self):
        return self.fields.get("connection", "").lower() == "close"


class Connection:
    def __init__(self, server, receive_byte_count=None, seconds=20):
        self.socket = socket.socket(socket.AF_INET)
        # Before connecting: the window that is offered depends on it.
        if receive_byte_count:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_byte_count)
        self.socket.settimeout(seconds)
        self.socket.connect((server.host, server.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.asked = b""
        self.pending = bytearray()
        self.missing_byte_count = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data, piece_byte_count=None):
        """Sends it at once, or in pieces of so many bytes, each in a segment of its own."""
        self.asked = data
        step = piece_byte_count or len(data) or 1
        for start in range(0, len(data), step):
            try:
                self.socket.sendall(data[start : start + step])
            except (ConnectionResetError, BrokenPipeError):
                return  # the response may have come before: that is for who reads

    def end(self):
        """Says that nothing more comes, if anybody still listens."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def get(self, target, *fields, **options):
        """One request, and its whole response."""
        self.send(request(target, *fields, **options))
        return self.read_response(options.get("method", "GET"))

    def _receive(self, byte_count=1 << 18):
        try:
            return self.socket.recv(byte_count)
        except ConnectionResetError:
            return b""
        except TimeoutError:
            raise Failure(
                f"nothing came for {self.socket.gettimeout()} s\n  asked: {excerpt(self.asked)}\n"
                f"  came:  {excerpt(self.pending)}") from None

    def read_head(self, method="GET"):
        """The next response without its body, which is to be read next."""
        while (end := self.pending.find(b"\r\n\r\n")) < 0:
            part = self._receive()
            if not part:
                raise Broken(
                    f"the connection ended where a response was due\n  asked: {excerpt(self.asked)}\n"
                    f"  came:  {excerpt(self.pending)}", bytes(self.pending))
            self.pending += part
        head = bytes(self.pending[: end + 4])
        del self.pending[: end + 4]
        response = Response(self.asked, head)
        if method == "HEAD" or response.status in (204, 304):
            self.missing_byte_count = 0
        else:
            length = response.fields.get("content-length", "")
            response.demand(length.isdecimal(), "a Content-Length")
            self.missing_byte_count = int(length)
        return response

    def read_body(self, byte_count=None):
        """So much of the body, or what is missing; shorter only at its end. `Broken` when the connection ends before."""
        wanted = self.missing_byte_count if byte_count is None else min(byte_count, self.missing_byte_count)
        received = self.pending[:wanted]
        del self.pending[:wanted]
        while len(received) < wanted:
            part = self._receive(min(1 << 18, wanted - len(received)))
            if not part:
                raise Broken(
                    f"the connection ended after {len(received):,} of {wanted:,} B of body\n"
                    f"  asked: {excerpt(self.asked)}", bytes(received))
            received += part
        self.missing_byte_count -= wanted
        return bytes(received)

    def read_response(self, method="GET"):
        response = self.read_head(method)
        response.body = self.read_body()
        return response

    def read_to_end(self):
        """All that comes until the connection ends."""
        rest, self.pending = self.pending, bytearray()
        while part := self._receive():
            rest += part
        return bytes(rest)

    def demand_end(self):
        """That the server has said all, and closes."""
        rest = self.read_to_end()
        demand(not rest, f"wanted: the end of the connection\n  asked: {excerpt(self.asked)}\n  came:  {excerpt(rest)}")


def get(server, target, *fields, **options):
    """One request on a connection of its own, and its whole response."""
    with Connection(server) as connection:
        return connection.get(target, *fields, **options)
