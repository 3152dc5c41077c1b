"""One end of a TLS connection in one thread, which can send and receive at once and finish each direction by itself.

Python's SSLSocket must not be used by two threads, one that sends and one that receives: what the one finds out about
the connection can overwrite what the other is about to ask, and recv() then tells of an end that there is none. Nor can
it end one direction and go on with the other."""

import select
import socket
import ssl
import threading
import time

from waiting import PATIENCE

TIMEOUT = 20 * PATIENCE
PIECE = 64 * 1024


class TlsEnd:
    """Owns the connected socket `raw`; shakes hands at once."""

    def __init__(self, raw, context, name=None, server_side=False):
        self.raw = raw
        self.received, self.to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.received, self.to_send, server_side=server_side, server_hostname=name)
        self.deadline = time.monotonic() + TIMEOUT
        self.unsent = b""  # ciphertext that the socket has not taken yet
        self.socket_ended = False
        raw.setblocking(False)
        try:
            while not self.attempt(self.tls.do_handshake):
                self.move()
            self.flush()
        except BaseException:
            raw.close()
            raise

    @classmethod
    def connect(cls, port, authority, name="site.example", pair=None, alpn=None, receive_buffer=None):
        context = ssl.create_default_context(cafile=str(authority.cert))
        if pair:
            context.load_cert_chain(pair.cert, pair.key)
        if alpn:
            context.set_alpn_protocols(alpn)
        raw = socket.socket()
        if receive_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.settimeout(TIMEOUT)
        raw.connect(("127.0.0.1", port))
        return cls(raw, context, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.raw.close()

    @staticmethod
    def attempt(operation):
        """False when the other side must be heard first."""
        try:
            operation()
        except ssl.SSLWantReadError:
            return False
        return True

    def move(self):
        """Waits until bytes went over the socket, either way."""
        self.unsent += self.to_send.read()
        reading = [] if self.socket_ended else [self.raw]
        wait = self.deadline - time.monotonic()
        assert wait > 0, "nothing more came in time"
        readable, writable, _ = select.select(reading, [self.raw] if self.unsent else [], [], wait)
        if writable:
            self.unsent = self.unsent[self.raw.send(self.unsent):]
        if readable:
            data = self.raw.recv(PIECE)
            if data:
                self.received.write(data)
            else:
                self.socket_ended = True
                self.received.write_eof()

    def flush(self):
        self.unsent += self.to_send.read()
        while self.unsent:
            self.move()

    def receive(self):
        """What came; b"" at the end that the peer announced. An end without that is ssl.SSLEOFError."""
        while True:
            try:
                return self.tls.read(PIECE)
            except ssl.SSLWantReadError:
                self.move()
            except ssl.SSLZeroReturnError:
                return b""

    def receive_all(self):
        return b"".join(iter(self.receive, b""))

    def receive_exactly(self, size):
        got = b""
        while len(got) < size:
            piece = self.receive()
            assert piece, f"the end after {len(got)} of {size} bytes"
            got += piece
        return got

    def send(self, data):
        self.tls.write(data)
        self.flush()

    def exchange(self, data):
        """Sends it while as much is received."""
        got, sent = b"", 0
        while len(got) < len(data):
            if sent < len(data) and not self.unsent:
                sent += self.tls.write(data[sent:sent + PIECE])
                self.unsent += self.to_send.read()
            try:
                piece = self.tls.read(PIECE)
            except ssl.SSLWantReadError:
                self.move()
                continue
            except ssl.SSLZeroReturnError:
                piece = b""
            assert piece, f"the end after {len(got)} of {len(data)} bytes"
            got += piece
        return got

    def finish(self):
        """No more is sent: close_notify and the end of the socket. Receiving goes on."""
        self.attempt(self.tls.unwrap)
        self.flush()
        self.raw.shutdown(socket.SHUT_WR)


class TlsBackend:
    """Runs behave(end) for each connection, in a thread of its own."""

    def __init__(self, pair, behave, alpn=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pair.cert, pair.key)
        if alpn:
            self.context.set_alpn_protocols(alpn)
        self.names = []  # that clients asked for
        self.context.sni_callback = lambda _, name, __: self.names.append(name)
        self.behave = behave
        self.ends = []  # how connections ended: None, or the exception
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.threads = [threading.Thread(target=self.accept, daemon=True)]

    def accept(self):
        while True:
            try:
                raw, _ = self.socket.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(target=self.serve, args=(raw,), daemon=True))
            self.threads[-1].start()

    def serve(self, raw):
        try:
            with TlsEnd(raw, self.context, server_side=True) as end:
                self.behave(end)
            self.ends.append(None)
        except (OSError, AssertionError) as error:
            self.ends.append(error)

    def __enter__(self):
        self.threads[0].start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for thread in self.threads:
            thread.join(TIMEOUT)
