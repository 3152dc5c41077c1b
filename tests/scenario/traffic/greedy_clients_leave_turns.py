"""Beside a client that asks for all that it can get, another one is served soon: counted in what the greedy one gets
done while a small request of the other one is served, so that a slow machine decides nothing."""

import contextlib
import socket
import ssl
import statistics
import struct
import threading

import pytest
from h2_raw import PREFACE, frame, get, post
from hpack import Encoder
from waiting import eventually, free_port
from weir import config_of, pool_of

PIECE = b"x" * 65536
MUCH = 1 << 40
ASKED = 20  # small requests
# A turn is a quarter of a MB moved, of which a small request waits for some. Without turns it is 20 to 100 MB, and tens
# of thousands of answers.
MOST_BYTES, MOST_ANSWERS = 12 << 20, 2500
WEBSOCKET = ("GET /websocket HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode()
SWITCHED = (b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")


class Ends:
    """Sockets with a thread for each direction; `done` counts what the greedy client got done."""

    def __init__(self):
        self.done = 0
        self.closed = False
        self.sockets, self.threads = [], []
        self.server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.sockets.append(self.server)
        self.port = self.server.getsockname()[1]
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind(("127.0.0.1", 0))  # and lets them lie
        self.sockets.append(self.datagrams)
        self.run(self.serve)

    def run(self, work, *arguments):
        def until_closed():
            with contextlib.suppress(OSError, ValueError):
                work(*arguments)

        self.threads.append(threading.Thread(target=until_closed, daemon=True))
        self.threads[-1].start()

    def close(self):
        self.closed = True
        for each in self.sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self.threads:
            thread.join(5)

    def connect(self, port):
        made = socket.create_connection(("127.0.0.1", port))
        self.sockets.append(made)
        return made

    def send_on(self, to, data):
        while True:
            to.sendall(data)

    def take(self, end, counts=True):
        """Takes all that comes; counts it as done."""
        buffer = bytearray(1 << 20)
        while got := end.recv_into(buffer):
            if counts:
                self.done += got

    # ---- the backend ----

    def serve(self):
        while True:
            connection, _ = self.server.accept()
            self.sockets.append(connection)
            self.run(self.answer, connection)

    def answer(self, connection):
        head = b""
        while data := connection.recv(65536):
            head += data
            while b"\r\n\r\n" in head:
                one, _, head = head.partition(b"\r\n\r\n")
                path = one.split(b" ")[1]
                if path == b"/upload":
                    return self.take(connection)
                if path == b"/websocket":
                    connection.sendall(SWITCHED)
                    return self.take(connection)
                if path == b"/download":
                    connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {MUCH}\r\n\r\n".encode())
                    return self.send_on(connection, PIECE * 16)
                if path == b"/chunks":
                    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    return self.send_on(connection, (b"10000\r\n" + PIECE + b"\r\n") * 16)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@pytest.fixture
def ends():
    made = Ends()
    yield made
    made.close()


def upload(ends, port, client=None):
    client = client or ends.connect(port)
    client.sendall(f"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: {MUCH}\r\n\r\n".encode())
    ends.run(ends.send_on, client, PIECE * 16)


def chunked_upload(ends, port):
    client = ends.connect(port)
    client.sendall(b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    ends.run(ends.send_on, client, (b"10000\r\n" + PIECE + b"\r\n") * 16)


def ask_and_take(ends, port, path):
    client = ends.connect(port)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    ends.run(ends.take, client)


def download(ends, port):
    ask_and_take(ends, port, "/download")


def chunked_download(ends, port):
    ask_and_take(ends, port, "/chunks")


def websocket(ends, port):
    client = ends.connect(port)
    client.sendall(WEBSOCKET)
    assert client.recv(4096).startswith(b"HTTP/1.1 101 ")
    message = b"\x82\xff" + struct.pack("!Q", len(PIECE)) + b"mask" + PIECE
    ends.run(ends.send_on, client, message * 16)


def http2(ends, port, fields, end_stream):
    client = ends.connect(port)
    settings = b"\x00\x04" + (2**31 - 1).to_bytes(4, "big")
    client.sendall(PREFACE + frame(4, 0, 0, settings) + frame(8, 0, 0, (2**31 - 1 - 65535).to_bytes(4, "big")) +
                   frame(1, 5 if end_stream else 4, 1, Encoder().encode(fields)))
    return client


def http2_download(ends, port):
    client = http2(ends, port, get("/download"), True)
    ends.run(ends.take, client)


def http2_upload(ends, port):
    client = http2(ends, port, post("/upload"), False)
    window = [65535, 65535]  # of the connection, of the stream
    opened = threading.Condition()

    def read():
        data = b""
        while got := client.recv(65536):
            data += got
            while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3], "big"):
                size = int.from_bytes(data[:3], "big")
                with opened:
                    if data[3] == 8:
                        window[int.from_bytes(data[5:9], "big")] += int.from_bytes(data[9:13], "big")
                    opened.notify()
                data = data[9 + size:]

    def send():
        piece = frame(0, 0, 1, PIECE[:16384])
        while not ends.closed:
            with opened:
                opened.wait_for(lambda: min(window) >= 16384, 1)
                count = min(window) // 16384
                window[:] = [each - count * 16384 for each in window]
            client.sendall(piece * count)

    ends.run(read)
    ends.run(send)


def relay(ends, port, client=None):
    """The backend takes it for a request, and then for its body."""
    upload(ends, port, client)


def pipeline(ends, port, path):
    client = ends.connect(port)
    ends.run(ends.send_on, client, f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode() * 1000)

    def count():
        while got := client.recv(1 << 20):
            ends.done += got.count(b"HTTP/1.1 ")

    ends.run(count)


def accept_storm(ends, port):
    def storm():
        while not ends.closed:
            socket.create_connection(("127.0.0.1", port)).close()
            ends.done += 1

    ends.run(storm)


def datagrams(ends, port):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(("127.0.0.1", port))
    ends.sockets.append(client)

    def send():
        while not ends.closed:
            client.send(b"x" * 1000)
            ends.done += 1

    ends.run(send)


def tls_client(ends, port, authority):
    context = ssl.create_default_context(cafile=str(authority.cert))
    client = context.wrap_socket(ends.connect(port), server_hostname="site.example")
    ends.sockets.append(client)
    return client


GREEDY = {
    "upload": (upload, MOST_BYTES),
    "chunked upload": (chunked_upload, MOST_BYTES),
    "download": (download, MOST_BYTES),
    "chunked download": (chunked_download, MOST_BYTES),
    "WebSocket": (websocket, MOST_BYTES),
    "HTTP/2 upload": (http2_upload, MOST_BYTES),
    "HTTP/2 download": (http2_download, MOST_BYTES),
    "redirects": (lambda ends, port: pipeline(ends, port, "/redirect"), MOST_ANSWERS),
    "fixed responses": (lambda ends, port: pipeline(ends, port, "/fixed"), MOST_ANSWERS),
    "errors": (lambda ends, port: pipeline(ends, port, "/nowhere"), MOST_ANSWERS),
    "proxied answers": (lambda ends, port: pipeline(ends, port, "/"), MOST_ANSWERS),
    "new connections": (accept_storm, MOST_ANSWERS),
}


def config_for(ends, greedy_listener=None):
    backend = type("Backend", (), {"name": "one", "host": "127.0.0.1", "port": ends.port})
    site = pool_of([backend], health_check={"type": "tcp", "interval": "1h"})
    routes = [{"match": {"path": "/redirect"}, "redirect": "/elsewhere"},
              {"match": {"path": "/fixed"}, "respond": {"status": 200, "body": "fixed"}},
              {"match": {"path": "/nowhere"}, "pool": "empty"}]
    empty = {"name": "empty", "backends": []}
    taker = type("Backend", (), {"name": "taker", "host": "127.0.0.1", "port": ends.datagrams.getsockname()[1]})
    of_datagrams = pool_of([taker], "datagrams", health_check={"enabled": False})
    config = config_of(site, empty, of_datagrams, listener={"http2": True, "routes": routes}, workers=1, drain_timeout="100ms")
    if greedy_listener:
        port = free_port()
        pool = "datagrams" if greedy_listener["protocol"] == "udp" else "site"
        config["listeners"].append({"name": "greedy", "address": f"127.0.0.1:{port}", "pool": pool, **greedy_listener})
    return config


def done_in_one_request(running, ends):
    """What the greedy client gets done while one small request is served; of several, the one in the middle."""
    with running.connect() as connection:
        assert connection.request().body == b"ok"
        counts = []
        for _ in range(ASKED):
            before = ends.done
            assert connection.request().body == b"ok"
            counts.append(ends.done - before)
    return statistics.median(counts)


def is_busy(ends):
    before = ends.done
    eventually(lambda: ends.done > before, 10, "the greedy client gets something done")


@pytest.mark.alone
@pytest.mark.parametrize("kind", GREEDY)
def test_a_small_request_is_served_beside(weir, ends, kind):
    begin, most = GREEDY[kind]
    running = weir(config_for(ends))
    begin(ends, running.port)
    is_busy(ends)
    assert done_in_one_request(running, ends) <= most


@pytest.mark.alone
@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_a_small_request_is_served_beside_a_relay(weir, ends, kind):
    running = weir(config_for(ends, {"protocol": kind}))
    port = int(running.config["listeners"][1]["address"].rpartition(":")[2])
    (relay if kind == "tcp" else datagrams)(ends, port)
    is_busy(ends)
    assert done_in_one_request(running, ends) <= (MOST_BYTES if kind == "tcp" else 10 * MOST_ANSWERS)


@pytest.mark.alone
@pytest.mark.parametrize("protocol", ["https", "tcp"])
def test_a_small_request_is_served_beside_an_upload_over_tls(weir, ends, authority, protocol):
    pair = authority.issue("site.example", "IP:127.0.0.1")
    running = weir(config_for(ends, {"protocol": protocol, "tls": {"certificates": [pair.files]}}))
    port = int(running.config["listeners"][1]["address"].rpartition(":")[2])
    upload(ends, port, tls_client(ends, port, authority))
    is_busy(ends)
    assert done_in_one_request(running, ends) <= MOST_BYTES
