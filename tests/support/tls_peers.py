"""TLS clients and backends of Python's ssl module, beside the openssl command."""

import contextlib
import http.client
import http.server
import socket
import socketserver
import ssl
import subprocess
import threading

from waiting import PATIENCE

TIMEOUT = 10 * PATIENCE


class TlsClient:
    """One connection to a TLS port of this machine, which asks for `name`."""

    def __init__(self, port, authority, name="site.example", pair=None, session=None, alpn=None, versions=None):
        self.context = ssl.create_default_context(cafile=str(authority.cert) if authority else None)
        if authority is None:
            self.context.check_hostname = False
            self.context.verify_mode = ssl.CERT_NONE
        if pair:
            self.context.load_cert_chain(pair.cert, pair.key)
        if alpn:
            self.context.set_alpn_protocols(alpn)
        if versions:
            self.context.minimum_version, self.context.maximum_version = versions
        self.name = name
        self.open(port, session)

    def open(self, port, session=None):
        raw = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        try:
            self.socket = self.context.wrap_socket(raw, server_hostname=self.name, session=session)
        except BaseException:
            raw.close()
            raise
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, path="/", method="GET", body=None, headers=()):
        """A request on this connection: (status, headers in lower case, body)."""
        data = body or b""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.name}", *[f"{name}: {value}" for name, value in headers]]
        if body is not None:
            lines.append(f"Content-Length: {len(data)}")
        self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        response = http.client.HTTPResponse(self.socket, method=method)
        response.begin()
        text = response.read()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, text

    @property
    def serial(self):
        return self.socket.getpeercert()["serialNumber"]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = TIMEOUT

    def do_GET(self):
        self.server.asked.append(self)
        body = self.server.body
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.server.body = self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_):
        pass


class TlsOrigin(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A backend that speaks HTTP/1.1 over TLS."""

    daemon_threads = True

    def __init__(self, pair, client_authority=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pair.cert, pair.key)
        self.context.set_alpn_protocols(["http/1.1"])
        self.names = []  # that clients asked for
        self.context.sni_callback = lambda _, name, __: self.names.append(name)
        if client_authority:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(str(client_authority.cert))
        self.asked = []
        self.resumed = []  # of each connection
        self.body = b"from the backend"
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def finish_request(self, request, client_address):
        with contextlib.suppress(OSError):
            request.settimeout(TIMEOUT)
            with self.context.wrap_socket(request, server_side=True) as secured:
                self.resumed.append(secured.session_reused)
                self.RequestHandlerClass(secured, client_address, self)

    def handle_error(self, request, client_address):
        pass

    @property
    def port(self):
        return self.server_address[1]

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
        self.thread.join(TIMEOUT)


def s_client(port, *arguments, text=b"Q\n"):
    """What `openssl s_client` says, both outputs."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *map(str, arguments)]
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
    return done.stdout.decode(errors="replace")


def https_of(*pools, certificates, listener=None, tls=None, **top):
    """config_of() with a TLS listener that shows these pairs."""
    from weir import config_of

    rules = {"certificates": [pair.files for pair in certificates], **(tls or {})}
    return config_of(*pools, listener={"protocol": "https", "tls": rules, **(listener or {})}, **top)
