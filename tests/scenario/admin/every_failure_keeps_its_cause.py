"""The access log alone tells why something failed: `termination` who and how, `detail` why, and what was read of the
request. The same words for HTTP, TCP and UDP; the admin API shows each backend's last error."""

import asyncio
import contextlib
import json
import socket
import ssl

import pytest
from certificates import Authority
from client import Connection
from datagrams import Client as UdpClient
from h2_raw import RawH2
from h2_raw import get as h2_get
from tls_peers import TlsClient
from waiting import PATIENCE, eventually, free_port
from weir import config_of, pool_of

SHORT = f"{300 * PATIENCE}ms"


async def behave(exchange):
    """By the path: an answer, none, none and a reset, a head that is too large, half a body, or what is no HTTP."""
    path = exchange.request.target
    if path == "/silent":
        await asyncio.sleep(30)
        exchange.close()
    elif path == "/gone":
        exchange.close()
    elif path == "/large":
        await exchange.send(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 70_000 + b"\r\n\r\n")
    elif path == "/half":
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await asyncio.sleep(30)
    elif path == "/malformed":
        await exchange.send(b"HTTP/1.1 200 OK\nContent-Length: 0\n\n")
    else:
        await exchange.respond(body=b"fine")


@contextlib.contextmanager
def full_port():
    """A port whose backlog is full: the kernel answers no further connection."""
    with contextlib.ExitStack() as sockets:
        full = sockets.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            one = sockets.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        yield full.getsockname()[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A Weir with a listener of each kind, whose lines of the access log are taken as they come."""
    from origin import Origin
    from weir import Weir

    folder = tmp_path_factory.mktemp("weir")
    authority, clients = Authority(folder, "Site"), Authority(folder, "Clients")
    origin = Origin("one", behave=behave).start()
    good = pool_of([origin], health_check="off", retries={"attempts": 0},
                   timeouts={"response": SHORT, "body": SHORT})
    gone = {"name": "gone", "health_check": "off", "retries": {"attempts": 0},
            "backends": [{"id": "gone", "host": "127.0.0.1", "port": free_port()}]}
    stack = contextlib.ExitStack()
    full = {"name": "full", "health_check": "off", "retries": {"attempts": 0}, "timeouts": {"connect": SHORT},
            "backends": [{"id": "full", "host": "127.0.0.1", "port": stack.enter_context(full_port())}]}
    off = {"name": "off", "health_check": "off", "backends": [
        {"id": "off", "host": "127.0.0.1", "port": free_port(), "weight": 0}]}
    # The kernel accepts, and nobody answers.
    mute = {"name": "mute", "health_check": "off", "retries": {"attempts": 0}, "timeouts": {"connect": SHORT},
            "tls": True, "backends": [{"id": "mute", "host": "127.0.0.1", "port": stack.enter_context(
                socket.create_server(("127.0.0.1", 0))).getsockname()[1]}]}
    config = config_of(good, gone, full, off, mute, workers=1, timeouts={"header": SHORT},
                       listener={"http2": True, "limits": {"body_bytes": 10, "request_line_bytes": 200},
                                 "routes": [{"match": {"path": "/refused"}, "pool": "gone"},
                                            {"match": {"path": "/off"}, "pool": "off"},
                                            {"match": {"path": "/mute"}, "pool": "mute"},
                                            {"match": {"path": "/full"}, "pool": "full"}]})
    ports = {"web": int(config["listeners"][0]["address"].rpartition(":")[2])}

    def listener(name, protocol, pool="site", **settings):
        ports[name] = free_port()
        config["listeners"].append({"name": name, "address": f"127.0.0.1:{ports[name]}", "protocol": protocol,
                                    "pool": pool, **settings})

    tls = {"certificates": [authority.issue("site.example").files], "handshake_timeout": SHORT,
           "client": {"mode": "require", "ca": str(clients.cert)}}
    listener("https", "https", tls=tls)
    listener("tcp", "tcp", "gone")
    listener("tcp-full", "tcp", "full")
    listener("passthrough", "tls")
    listener("proxied", "tcp", "gone", proxy_protocol="required", trusted_proxies=["127.0.0.1"])
    listener("udp", "udp", "gone")
    listener("denied", "http", deny=["127.0.0.0/8"])
    running = Weir(folder, config).start()
    running.ports, running.authority, running.seen = ports, authority, 0
    running.rogue = Authority(folder, "Rogue").issue("stranger.example")

    def next_line():
        lines = eventually(lambda: running.access_log()[running.seen:], what="a line of the access log")
        running.seen += len(lines)
        assert len(lines) == 1, lines
        return lines[0]

    running.next_line = next_line
    yield running
    running.stop()
    origin.stop()
    stack.close()


def send(site, listener, data, end="wait"):
    with Connection(site.ports[listener]) as connection:
        connection.send(data)
        if end == "close":
            connection.end()
        if end == "reset":
            site.settle(0.1)
            return connection.reset()
        try:
            connection.read_to_end()
        except ConnectionError:
            pass


def asked(path, method="GET", rest=""):
    return f"{method} {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n{rest}\r\n"


READ = ("GET", "/x", "a.example")
CLIENTS = {
    "a malformed header": ("web", asked("/x", rest="X Y: z\r\n"), "wait", READ, 400, "client_protocol", "RFC"),
    "a header that never ends": ("web", asked("/x")[:-2], "wait", READ, 408, "client_timeout", "timeouts.header"),
    "a client that leaves within its header": ("web", asked("/x")[:-2], "close", READ, 499, "client_abort", "closed"),
    "a client that resets within its header": ("web", asked("/x")[:-2], "reset", READ, 499, "client_abort", "reset"),
    "a request line that is too long": ("web", "GET /" + "x" * 300, "wait", ("GET", None, ""), 414, "client_too_large",
                                        "request line"),
    "a body that is too large": ("web", asked("/x", "POST", "Content-Length: 99\r\n"), "wait",
                                 ("POST", "/x", "a.example"), 413, "client_too_large", "larger"),
    "a body that never comes": ("web", asked("/x", "POST", "Content-Length: 9\r\n"), "wait",
                                ("POST", "/x", "a.example"), 408, "client_timeout", "timeouts.body"),
    "a malformed preface of HTTP/2": ("web", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "wait", ("", "", ""), 0, "client_protocol",
                                      "preface"),
    "TLS on a plain port": ("web", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "wait", ("", "", ""), 400,
                            "client_protocol", "TLS on a port that speaks plain HTTP"),
    "a PROXY header without proxy_protocol": ("web", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + asked("/x"), "wait",
                                              ("PROXY", None, None), 400, "client_protocol", "PROXY"),
    "plain HTTP on a TLS port": ("https", asked("/x"), "wait", READ, 400, "client_protocol", "plain HTTP on a TLS"),
    "something else on a TLS port": ("https", b"\x00\x01hello", "wait", ("", "", ""), 0, "client_protocol", "not TLS"),
    "a handshake that never ends": ("https", b"\x16\x03\x01\x02", "wait", ("", "", ""), 0, "client_timeout",
                                    "tls.handshake_timeout"),
    "a client that leaves within its handshake": ("https", b"\x16\x03\x01\x02", "close", ("", "", ""), 0,
                                                  "client_abort", "within the TLS handshake"),
    "no ClientHello": ("passthrough", "hello\r\n\r\n", "wait", ("", "", ""), 0, "client_protocol", "ClientHello"),
    "half a ClientHello": ("passthrough", b"\x16\x03\x01\x02", "wait", ("", "", ""), 0, "client_timeout",
                           "timeouts.header"),
    "no PROXY header": ("proxied", "hello\r\n\r\n", "wait", ("", "", ""), 0, "client_protocol", "PROXY header"),
    "half a PROXY header": ("proxied", "PROXY TCP4 ", "wait", ("", "", ""), 0, "client_timeout", "timeouts.header"),
}


@pytest.mark.parametrize("case", CLIENTS)
def test_of_a_client(site, case):
    listener, data, end, (method, target, host), status, termination, detail = CLIENTS[case]
    send(site, listener, data, end)
    line = site.next_line()
    assert (line["listener"], line["status"], line["termination"]) == (listener, status, termination), line
    assert detail in line["detail"], line
    assert line["client"] == "127.0.0.1" and line["client_port"] > 0
    assert line["method"] == method
    for field, expected in (("target", target), ("host", host)):
        assert expected is None or line[field] == expected, line


def test_of_a_client_certificate(site):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with TlsClient(site.ports["https"], site.authority, pair=site.rogue) as client:
            client.ask()
    line = site.next_line()
    assert (line["termination"], line["host"], line["version"]) == ("client_protocol", "site.example", "TLS"), line
    assert line["detail"].startswith("client certificate: "), line


def test_of_a_malformed_stream(site):
    with RawH2(site.ports["web"]) as raw:
        raw.headers(1, h2_get("/x", ("x-y", " a")))
        raw.reset_code(1)
        line = site.next_line()
    assert (line["method"], line["target"], line["version"], line["status"]) == ("GET", "/x", "HTTP/2", 400), line
    assert line["termination"] == "client_protocol" and "RFC 9113" in line["detail"]


BACKENDS = {"/silent": (504, "backend_timeout", "timeouts.response"),
            "/gone": (502, "backend_closed", "closed the connection"),
            "/large": (502, "backend_too_large", "too large"),
            "/half": (200, "backend_timeout", "timeouts.body"),
            "/malformed": (502, "backend_protocol", "bare LF"),
            "/full": (504, "backend_timeout", "timeouts.connect"),
            "/mute": (504, "backend_timeout", "TLS handshake: no answer within timeouts.connect"),
            "/refused": (502, "backend_refused", "connect: Connection refused")}


@pytest.mark.parametrize("path", BACKENDS)
def test_of_a_backend(site, path):
    status, termination, detail = BACKENDS[path]
    send(site, "web", asked(path))
    line = site.next_line()
    assert (line["status"], line["termination"]) == (status, termination), line
    assert detail in line["detail"], line
    error = site.admin("GET", f"/backends/{line['pool']}%2F{line['backend']}/health").json["last_error"]
    assert error["detail"] == line["detail"] and error["at"].endswith("Z"), error
    assert termination.endswith(error["reason"]), error


def test_of_a_pool_without_eligible_backends(site):
    send(site, "web", asked("/off"))
    line = site.next_line()
    assert (line["status"], line["termination"]) == (503, "no_backend"), line
    assert line["detail"] == "none of 1 backend takes requests: 1 of weight 0", line


def test_of_a_client_that_leaves_its_request(site):
    send(site, "web", asked("/silent"), "reset")
    line = site.next_line()
    assert (line["status"], line["termination"], line["detail"]) == (499, "client_abort", "the client reset the connection")


def test_of_tcp_and_udp(site):
    send(site, "tcp", "")
    line = site.next_line()
    assert (line["termination"], line["detail"]) == ("backend_refused", "connect: Connection refused"), line
    send(site, "tcp-full", "")
    line = site.next_line()
    assert line["termination"] == "backend_timeout" and "timeouts.connect" in line["detail"], line
    with UdpClient(site.ports["udp"]) as client:
        client.send(b"?")
        line = site.next_line()
    assert line["termination"] == "backend_refused" and line["detail"].endswith(": Connection refused"), line


def test_nothing_is_said_of_what_went_well(site):
    send(site, "web", asked("/fine"))
    line = site.next_line()
    assert (line["status"], line["termination"], line["detail"]) == (200, "ok", "")


def test_refused_clients_are_logged_by_address_at_a_bounded_rate(site):
    for _ in range(50):
        send(site, "denied", "")
    assert site.metric("weir_connections_refused_total", listener="denied", reason="denied") == 50
    lines = [line for line in site.log().splitlines() if "listener denied: 127.0.0.1 refused: denied" in line]
    assert 5 <= len(lines) < 20, lines


def test_of_a_refused_reload(site):
    with Connection(site.admin_port) as stream:
        stream.send_request("GET", "/events", [("Host", f"127.0.0.1:{site.admin_port}"), ("Accept", "text/event-stream")])
        assert stream.head().status == 200
        site.reload_text("listenres: []\n")
        stream.read_until(b"event: reload")
        stream.read_until(b"data: ")
        event = json.loads(stream.read_until(b"\n"))
    assert (event["result"], event["count"]) == ("failure", 1)
    assert "weir.yaml:1:1: " in event["errors"][0] and "listeners" in event["errors"][0], event
