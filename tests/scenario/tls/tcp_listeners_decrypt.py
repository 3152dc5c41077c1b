"""A tcp listener with `tls:` decrypts, and passes the bytes on both ways; a pool with `tls:` behind it encrypts again."""

import ssl
import time

import pytest
from certificates import Authority
from tcp_backend import TcpBackend, echo, tcp_pool
from tls_end import TlsBackend, TlsEnd
from tls_peers import TlsClient, https_of
from waiting import PATIENCE, eventually

SIZES = (1, 100, 200_000)


def bytes_of(size):
    return bytes(i % 251 for i in range(size))


def send_back(end):
    """The echo of TLS: finishes when the client has."""
    while piece := end.receive():
        end.send(piece)
    end.finish()


@pytest.fixture
def plain():
    """plain(behave) starts a backend without TLS."""
    started = []

    def start(behave=echo):
        started.append(TcpBackend("one", behave).start())
        return started[-1]

    yield start
    for backend in started:
        backend.break_all()
        backend.stop()


@pytest.fixture
def decrypting(weir, authority):
    """decrypting(pool, **tls): Weir with such a listener."""

    def start(pool, certificates=None, **tls):
        pairs = certificates or [authority.issue("site.example")]
        return weir(https_of(pool, certificates=pairs, tls=tls, listener={"protocol": "tcp"}))

    return start


def to(backend, **settings):
    return tcp_pool(backend, health_check="off", **settings)


def to_port(port, **settings):
    return {"name": "site", "health_check": "off", "backends": [{"id": "one", "host": "127.0.0.1", "port": port}],
            **settings}


def test_bytes_go_both_ways(decrypting, authority, plain):
    running = decrypting(to(plain()))
    for _ in range(10):
        with TlsEnd.connect(running.port, authority, alpn=["something"]) as client:
            assert client.tls.selected_alpn_protocol() is None
            for size in SIZES:
                assert client.exchange(bytes_of(size)) == bytes_of(size)
            client.finish()
            assert client.receive() == b"", "the end is announced"
    lines = eventually(lambda: [line for line in running.access_log() if line["bytes_out"] == sum(SIZES)])
    assert {(line["host"], line["termination"]) for line in lines} == {("site.example", "client_closed")}


def test_and_are_encrypted_again(decrypting, authority):
    with TlsBackend(authority.issue("IP:127.0.0.1"), send_back) as backend:
        running = decrypting(to_port(backend.port, tls={"ca": str(authority.cert)}))
        for _ in range(10):
            with TlsEnd.connect(running.port, authority) as client:
                for size in SIZES:
                    assert client.exchange(bytes_of(size)) == bytes_of(size)
                client.finish()
                assert client.receive() == b""
        eventually(lambda: backend.ends == [None] * 10)


def test_the_client_may_finish_first_and_be_answered(decrypting, authority, plain):
    async def count(connection):
        data = await connection.reader.read(-1)
        await connection.send(b"%d bytes" % len(data) + b"." * 300_000)

    running = decrypting(to(plain(count)))
    with TlsEnd.connect(running.port, authority) as client:
        client.send(b"x" * 100_000)
        client.finish()
        answer = client.receive_all()
        assert answer == b"100000 bytes" + b"." * 300_000
    eventually(lambda: [line["termination"] for line in running.access_log()] == ["client_closed"])


def test_the_backend_may_finish_first_and_hear_more(decrypting, authority):
    heard = []

    def finish_and_listen(end):
        end.send(b"that was all")
        end.finish()
        heard.append(end.receive_all())

    with TlsBackend(authority.issue("IP:127.0.0.1"), finish_and_listen) as backend:
        running = decrypting(to_port(backend.port, tls={"ca": str(authority.cert)}))
        with TlsEnd.connect(running.port, authority) as client:
            assert client.receive_all() == b"that was all", "the end is announced to the client"
            client.send(b"y" * 100_000)
            client.finish()
            eventually(lambda: heard == [b"y" * 100_000])
        eventually(lambda: [line["termination"] for line in running.access_log()] == ["backend_closed"])
        assert backend.ends == [None], "and to the backend"


def test_a_slow_reader_hears_of_the_end(decrypting, authority, plain):
    async def give(connection):
        await connection.send(b"z" * int(await connection.reader.readline()))

    running = decrypting(to(plain(give)))
    for size in (1_000_000, 2_500_000, 5_000_000):
        with TlsEnd.connect(running.port, authority, receive_buffer=4096) as client:
            client.send(b"%d\n" % size)
            time.sleep(0.2 * PATIENCE)  # everything is full
            assert len(client.receive_all()) == size


def test_a_stream_that_is_cut_off_ends_as_one(decrypting, authority, plain):
    async def reset(connection):
        await connection.send(b"not all of it")
        await connection.reader.read(1)
        connection.reset()

    running = decrypting(to(plain(reset)))
    with TlsEnd.connect(running.port, authority) as client:
        assert client.receive_exactly(13) == b"not all of it"
        client.send(b"?")
        with pytest.raises((ssl.SSLEOFError, ConnectionError)):
            client.receive()


def test_client_certificates(decrypting, authority, plain, tmp_path):
    clients = Authority(tmp_path, "Clients")
    backend = plain()
    running = decrypting(to(backend), client={"mode": "require", "ca": str(clients.cert)})
    for stranger in (None, authority.issue("stranger.example")):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            with TlsEnd.connect(running.port, authority, pair=stranger) as client:
                client.exchange(b"with TLS 1.3 the client hears of it only now")
    assert backend.accepted == 0
    with TlsEnd.connect(running.port, authority, pair=clients.issue("person.example")) as client:
        assert client.exchange(b"let in") == b"let in"
    assert backend.accepted == 1
    assert running.metric("weir_tls_handshake_failures_total", reason="refused") == 2


def test_the_certificate_is_chosen_by_name(decrypting, authority, plain):
    pairs = [authority.issue("site.example"), authority.issue("other.example")]
    running = decrypting(to(plain()), certificates=pairs)
    for name in ("site.example", "other.example"):
        with TlsEnd.connect(running.port, authority, name=name) as client:
            assert ("DNS", name) in client.tls.getpeercert()["subjectAltName"]
            assert client.exchange(b"hello") == b"hello"


def test_only_what_alpn_names_is_agreed_on(decrypting, authority, plain):
    running = decrypting(to(plain()), alpn=["postgresql", "h2"])
    for offered, agreed in ((["h2", "postgresql"], "postgresql"), (["h2"], "h2"), (None, None)):
        with TlsEnd.connect(running.port, authority, alpn=offered) as client:
            assert client.tls.selected_alpn_protocol() == agreed
            assert client.exchange(b"hello") == b"hello"
    with pytest.raises(ssl.SSLError):
        TlsEnd.connect(running.port, authority, alpn=["something"])


def test_alpn_of_http_counts_where_it_is_written(decrypting, authority, plain):
    running = decrypting(to(plain()), alpn=["h2", "http/1.1"])
    with TlsEnd.connect(running.port, authority, alpn=["http/1.1"]) as client:
        assert client.tls.selected_alpn_protocol() == "http/1.1"
        assert client.exchange(b"hello") == b"hello"


def test_a_backend_with_a_bad_certificate_is_not_spoken_to(decrypting, authority, tmp_path):
    stranger = Authority(tmp_path, "Stranger")
    for lines, pair in enumerate((stranger.issue("IP:127.0.0.1"), authority.issue("wrong.example")), start=1):
        heard = []
        with TlsBackend(pair, lambda end: heard.append(end.receive())) as backend:
            running = decrypting(to_port(backend.port, retries=0, tls={"ca": str(authority.cert)}))
            with TlsEnd.connect(running.port, authority) as client:
                client.send(b"secret")
                assert client.receive() == b"", "Weir ends it in order: nothing of it got lost on the way"
            eventually(lambda: len(backend.ends) == 1)
            assert heard == [] and backend.ends[0] is not None
            eventually(lambda: len(running.access_log()) == lines)
            assert running.access_log()[-1]["termination"] == "backend_protocol"
        running.stop()


def test_backends_are_asked_for_a_name_and_a_protocol(decrypting, authority):
    agreed = []

    def note(end):
        agreed.append(end.tls.selected_alpn_protocol())
        send_back(end)

    with TlsBackend(authority.issue("db.example"), note, alpn=["postgresql", "h2"]) as backend:
        running = decrypting(to_port(backend.port, tls={"ca": str(authority.cert), "sni": "db.example", "alpn": ["postgresql"]}))
        with TlsEnd.connect(running.port, authority) as client:
            assert client.exchange(b"hello") == b"hello"
        assert (backend.names, agreed) == (["db.example"], ["postgresql"])


def test_sessions_are_resumed(decrypting, authority, plain):
    async def answer(connection):
        while await connection.reader.readexactly(1):
            await connection.send(b"!")

    running = decrypting(to(plain(answer)))
    with TlsClient(running.port, authority) as client:
        client.socket.sendall(b"?")
        assert client.socket.recv(1) == b"!"
        session = client.socket.session
        client.socket.close()
        client.open(running.port, session)
        client.socket.sendall(b"?")
        assert client.socket.recv(1) == b"!" and client.socket.session_reused


def test_backends_are_told_the_common_name_of_a_client_and_nothing_that_looks_like_one(weir, authority, plain):
    """In PROXY version 2, which is all that a TCP backend knows of the client's certificate."""
    heads = []

    async def listen(connection):
        head = await connection.reader.readexactly(16)
        heads.append(await connection.reader.readexactly(int.from_bytes(head[14:], "big")))
        await connection.send(await connection.reader.readexactly(1))

    pool = tcp_pool(plain(listen), health_check="off", proxy_protocol="v2")
    running = weir(https_of(pool, certificates=[authority.issue("site.example")], listener={"protocol": "tcp"},
                            tls={"client": {"mode": "require", "ca": str(authority.cert)}}))
    for subject, name in (("/CN=device 7/O=x CN=admin", b"device 7"), ("/O=x CN=admin", None),
                          ("/CN=device 7/CN=admin", None)):
        pair = authority.issue("device.example", subject=subject)
        with TlsClient(running.port, authority, pair=pair) as client:
            client.socket.sendall(b"x")
            assert client.socket.recv(1) == b"x"
        head = heads.pop()
        assert b"\x03\0\0\0\0" in head, "the certificate was verified"
        assert (b"\x22\0\x08device 7" in head) == (name is not None), head
        assert b"admin" not in head
