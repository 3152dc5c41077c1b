"""A client that sends exactly the bytes it is told to and reads responses strictly."""

import dataclasses
import socket
import struct

from origin import parse_fields
from waiting import PATIENCE


@dataclasses.dataclass
class Response:
    status: int
    reason: str
    version: str
    headers: list
    body: bytes = b""
    trailers: list = dataclasses.field(default_factory=list)
    interim: list = dataclasses.field(default_factory=list)  # the 1xx responses before it

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} is repeated: {values}"
        return values[0] if values else None

    @property
    def backend(self):
        return self.get("x-backend")

    @property
    def closes(self):
        return "close" in [option.strip().lower() for value in self.all("connection") for option in value.split(",")]


class Connection:
    """One client connection. Reads raise AssertionError when the peer breaks off in the middle of something."""

    def __init__(self, port, host="127.0.0.1", timeout=10, receive_buffer=None, source=None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout * PATIENCE)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def end(self):
        """No more bytes from us; reading goes on."""
        self.socket.shutdown(socket.SHUT_WR)

    def fill(self):
        """Receives some bytes; False at the end of the stream."""
        data = self.socket.recv(1 << 18)
        self.buffer += data
        return bool(data)

    def read_until(self, mark):
        while mark not in self.buffer:
            assert self.fill(), f"closed before {mark!r}, after {self.buffer!r}"
        data, _, self.buffer = self.buffer.partition(mark)
        return data

    def read_exactly(self, size):
        pieces, have = [self.buffer], len(self.buffer)
        while have < size:
            piece = self.socket.recv(min(1 << 18, size - have))
            assert piece, f"closed after {have} of {size} bytes"
            pieces.append(piece)
            have += len(piece)
        data = b"".join(pieces)
        self.buffer = data[size:]
        return data[:size]

    def read_to_end(self):
        while self.fill():
            pass
        data, self.buffer = self.buffer, b""
        return data

    def is_closed(self):
        """Waits for the end of the stream: True when it comes (also as a reset) and nothing was sent before it."""
        try:
            return not self.buffer and self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def request(self, method="GET", target="/", headers=(), body=b"", version="HTTP/1.1"):
        """Sends a well-formed request and reads its response."""
        self.send_request(method, target, headers, body, version)
        return self.response(method)

    def send_request(self, method="GET", target="/", headers=(), body=b"", version="HTTP/1.1"):
        fields = list(headers)
        names = {name.lower() for name, _ in fields}
        if "host" not in names:
            fields.insert(0, ("Host", "test.example"))
        if body and not names & {"content-length", "transfer-encoding"}:
            fields.append(("Content-Length", str(len(body))))
        lines = [f"{method} {target} {version}", *(f"{name}: {value}" for name, value in fields), "", ""]
        self.send("\r\n".join(lines).encode("latin-1") + body)

    def response(self, method="GET"):
        """The next final response, with the interim ones before it."""
        interim = []
        while True:
            response = self.head()
            if 100 <= response.status < 200 and response.status != 101:
                interim.append(response)
                continue
            response.interim = interim
            self.read_body(response, method)
            return response

    def head(self):
        lines = self.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, reason = (lines[0].split(" ", 2) + [""])[:3]
        assert version in ("HTTP/1.0", "HTTP/1.1"), lines[0]
        return Response(int(status), reason, version, parse_fields(lines[1:]))

    def read_body(self, response, method):
        codings, length = response.get("transfer-encoding"), response.get("content-length")
        assert codings is None or length is None, "both Content-Length and Transfer-Encoding"
        if method == "HEAD" or response.status in (101, 204, 304) or (method == "CONNECT" and response.status == 200):
            return
        if codings is not None:
            assert codings.lower() == "chunked", codings
            response.body, response.trailers = self.chunked()
        elif length is not None:
            response.body = self.read_exactly(int(length))
        else:
            response.body = self.read_to_end()

    def chunked(self):
        pieces = []
        while True:
            size = int(self.read_until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                break
            pieces.append(self.read_exactly(size))
            assert self.read_exactly(2) == b"\r\n"
        trailers = []
        while line := self.read_until(b"\r\n"):
            trailers += parse_fields([line.decode("latin-1")])
        return b"".join(pieces), trailers


def request(port, method="GET", target="/", headers=(), body=b"", host="127.0.0.1"):
    """One request on a connection of its own."""
    with Connection(port, host) as connection:
        return connection.request(method, target, [*headers, ("Connection", "close")], body)


def get(port, target="/", headers=()):
    return request(port, "GET", target, headers)


def raw(port, data, timeout=10):
    """Sends the bytes and returns everything that comes until the peer closes; fails if it does not."""
    with Connection(port, timeout=timeout) as connection:
        try:
            connection.send(data)
        except ConnectionError:
            pass
        try:
            while connection.fill():
                pass
        except ConnectionResetError:
            pass
        except socket.timeout:
            raise AssertionError(f"still open; so far {connection.buffer[:300]!r}") from None
        return connection.buffer


def refused(port, data):
    """The status of the one response that the bytes get before the connection is closed."""
    with Connection(port) as connection:
        try:
            connection.send(data)
            response = connection.response()
        except (ConnectionResetError, BrokenPipeError) as fault:
            raise AssertionError(f"reset without an answer to {data[:80]!r}") from fault
        try:
            rest = connection.read_to_end()
        except ConnectionResetError:
            rest = b""
        except socket.timeout:
            raise AssertionError(f"answered {response.status}, but kept the connection open") from None
        assert rest == b"", f"more than one response: {rest[:200]!r}"
        return response.status
