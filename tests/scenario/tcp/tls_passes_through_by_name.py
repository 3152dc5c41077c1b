"""A tls listener looks at the hello of a client only: two servers with certificates of their own are told apart by
name and by protocol, and each client speaks with its server itself."""

import contextlib
import socket
import ssl
import subprocess

import pytest
from tcp_backend import tcp_config, tcp_pool
from waiting import PATIENCE, eventually


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """certificates(name): a server's context with a certificate for that name, and the file that clients believe."""
    folder = tmp_path_factory.mktemp("certificates")

    def make(name):
        cert, key = folder / f"{name}.pem", folder / f"{name}.key"
        if not cert.exists():
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                            "-keyout", key, "-out", cert, "-days", "2", "-subj", f"/CN={name}",
                            "-addext", f"subjectAltName=DNS:{name},DNS:*.{name}"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context, str(cert)

    return make


def route(host, pool, **match):
    return {"match": {**({"host": host} if host else {}), **match}, "pool": pool}


async def say_name(connection):
    await connection.send(connection.backend.name.encode())
    await connection.reader.read(-1)


@pytest.fixture
def servers(weir, backends, certificates):
    """One server for a.example and its names below, one for b.example; and Weir in front of both."""

    def start(routes=None, **listener):
        made = [backends(name, behave=say_name, ssl=certificates(f"{name}.example")[0])[0] for name in ("a", "b")]
        if routes is None:
            routes = [route(["a.example", "*.a.example"], "a"), route("B.example", "b")]
        return weir(tcp_config(*[tcp_pool(one, name=one.name, health_check="off") for one in made],
                               listener={"protocol": "tls", "routes": routes, "pool": "", **listener}))

    return start


@contextlib.contextmanager
def connected(port, name, ca, alpn=()):
    context = ssl.create_default_context(cafile=ca)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    with socket.create_connection(("127.0.0.1", port), 10 * PATIENCE) as plain:
        with context.wrap_socket(plain, server_hostname=name) as secure:
            yield secure


def asked(running, certificates, name, alpn=()):
    """Which server answers, with a certificate that holds for the name."""
    server = name.split(".", 1)[-1] if name.count(".") > 1 else name
    with connected(running.port, name, certificates(server)[1], alpn) as secure:
        return secure.recv(10).decode()


def test_names_find_their_servers(servers, certificates):
    running = servers()
    for name, server in (("a.example", "a"), ("b.example", "b"), ("www.a.example", "a"), ("a.example", "a")):
        assert asked(running, certificates, name) == server
    eventually(lambda: len(running.access_log()) == 4)
    hosts = sorted(line["host"] for line in running.access_log())
    assert hosts == ["a.example", "a.example", "b.example", "www.a.example"]
    assert running.access_log()[0]["version"] == "TLS"


def test_protocols_that_are_offered_choose_as_well(servers, certificates):
    running = servers([route("a.example", "a", alpn="h2"), route(None, "b")])
    assert asked(running, certificates, "a.example", ["h2", "http/1.1"]) == "a"
    with pytest.raises(ssl.SSLCertVerificationError):
        asked(running, certificates, "a.example", ["http/1.1"])  # meets b, which has another certificate


def test_other_names_are_refused_with_an_alert(servers, certificates):
    running = servers()
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        asked(running, certificates, "c.example")
    eventually(lambda: running.metric("weir_relayed_connections_total", termination="no_route") == 1)


def test_an_alert_is_followed_by_an_end_and_no_reset(servers):
    running = servers()
    outgoing = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="c.example")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    with socket.create_connection(("127.0.0.1", running.port), 10 * PATIENCE) as raw:
        raw.sendall(outgoing.read())
        got = b""
        while piece := raw.recv(100):
            got += piece
        assert got == bytes([21, 3, 3, 0, 2, 2, 112])


def test_clients_that_name_nobody_go_to_the_default(servers, certificates):
    running = servers(pool="b")
    context = ssl.create_default_context(cafile=certificates("b.example")[1])
    context.check_hostname = False
    with socket.create_connection(("127.0.0.1", running.port), 10 * PATIENCE) as plain:
        with context.wrap_socket(plain) as secure:
            assert secure.recv(10) == b"b"


def test_a_hello_may_come_in_pieces_and_records(servers):
    running = servers()
    client = ssl.create_default_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = client.wrap_bio(incoming, outgoing, server_hostname="a.example")
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    hello = outgoing.read()
    with running.connect() as connection:
        for i in range(0, len(hello), 7):
            connection.send(hello[i:i + 7])
        while b"a" != (answer := read_some(session, incoming, outgoing, connection)):
            assert answer is None
    message = hello[5:]
    records = b"".join(b"\x16\x03\x01" + len(message[i:i + 50]).to_bytes(2, "big") + message[i:i + 50]
                       for i in range(0, len(message), 50))
    with running.connect() as connection:
        connection.send(records)
        assert connection.read_exactly(1) == b"\x16", "the server has understood it"


def read_some(session, incoming, outgoing, connection):
    """One step of the client: None while there is nothing to read."""
    try:
        return session.read(10)
    except ssl.SSLWantReadError:
        if data := outgoing.read():
            connection.send(data)
        if not connection.buffer:
            assert connection.fill()
        incoming.write(connection.buffer)
        connection.buffer = b""
        return None


@pytest.mark.parametrize("bytes_", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x00\x00", b"\x16\x03\x01\x40\x00\x01\xff\xff\xff"])
def test_what_is_no_hello_is_refused(servers, bytes_):
    running = servers()
    with running.connect() as connection:
        connection.send(bytes_)
        assert connection.is_closed()
    eventually(lambda: running.metric("weir_connections_refused_total", reason="client_hello") == 1)


def test_half_a_hello_is_not_waited_for_without_end(servers):
    running = servers(timeouts={"header": "300ms"})
    with running.connect() as connection:
        connection.send(b"\x16\x03\x01\x01\x00\x01")
        assert connection.is_closed()
    assert running.metric("weir_connections_refused_total", reason="client_hello") == 1


def test_curl_gets_pages_of_both(weir, backends, certificates):
    async def serve(connection):
        await connection.reader.readuntil(b"\r\n\r\n")
        body = connection.backend.name.encode() * 100_000
        await connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    made = []
    for name in ("a", "b"):
        context = certificates(f"{name}.example")[0]
        context.set_alpn_protocols(["http/1.1"])
        made += backends(name, behave=serve, ssl=context)
    running = weir(tcp_config(*[tcp_pool(one, name=one.name, health_check="off") for one in made],
                              listener={"protocol": "tls", "pool": "", "routes": [route("a.example", "a"), route("b.example", "b")]}))
    for name in ("a", "b"):
        host = f"{name}.example:{running.port}"
        run = subprocess.run(["curl", "-sS", "--max-time", "20", "--cacert", certificates(f"{name}.example")[1],
                              "--resolve", f"{host}:127.0.0.1", f"https://{host}/"], capture_output=True)
        assert run.returncode == 0, run.stderr
        assert run.stdout == name.encode() * 100_000
