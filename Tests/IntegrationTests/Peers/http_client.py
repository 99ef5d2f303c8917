"""What the HTTP peers share."""

from common import check, connect


class Client:
    """A connection that reads responses one after the other."""

    def __init__(self, host, port, receive_byte_count=None):
        self.connection = connect(host, port, receive_byte_count)
        self.received = b""

    def send(self, data):
        self.connection.sendall(data)

    def more(self):
        part = self.connection.recv(1 << 16)
        self.received += part
        return bool(part)

    def head(self):
        """The status and the fields of the next response."""
        while b"\r\n\r\n" not in self.received:
            check(self.more(), "the server closed within a head")
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines[1:])
        return int(lines[0].split()[1]), fields

    def response(self):
        """The status, the fields and the body of the next response."""
        status, fields = self.head()
        length = int(fields.get("Content-Length", 0))
        while len(self.received) < length:
            check(self.more(), "the server closed within a body")
        body, self.received = self.received[:length], self.received[length:]
        return status, fields, body

    def has_ended(self):
        """Whether the server has said its last word."""
        return not self.received and not self.more()


def get(path, *fields):
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: test", *fields, "", ""]).encode()
