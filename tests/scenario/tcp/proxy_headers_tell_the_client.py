"""PROXY headers: believed of trusted peers only, and written for backends, in both versions and for all protocols."""

import struct

import pytest
from tcp_backend import tcp_config, tcp_pool
from waiting import eventually, free_port

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"
V2 = SIGNATURE + b"\x21\x11" + struct.pack("!H", 12) + bytes([192, 0, 2, 7, 198, 51, 100, 1]) + struct.pack("!HH", 56324, 443)
LOCAL = SIGNATURE + b"\x20\x00\x00\x00"
# The same with a checksum, and with one bit of the client's address changed after it was made.
V2_CHECKSUM = V2[:14] + struct.pack("!H", 19) + V2[16:] + b"\x03\x00\x04" + struct.pack("!I", 0x548e28ff)
V2_DAMAGED = V2_CHECKSUM[:19] + b"\x06" + V2_CHECKSUM[20:]
TRUSTING = {"proxy_protocol": "required", "trusted_proxies": ["127.0.0.0/8"]}


def refused(running):
    return running.metric("weir_connections_refused_total", reason="proxy_header")


@pytest.mark.parametrize("header", [V1, V2, V2_CHECKSUM], ids=["v1", "v2", "v2 with a checksum"])
def test_the_client_is_whom_the_header_names(relay, header):
    running, _ = relay(listener=TRUSTING)
    with running.connect() as connection:
        connection.send(header + b"hello")
        assert connection.read_exactly(5) == b"hello"
    line = eventually(running.access_log)[0]
    assert (line["client"], line["client_port"]) == ("192.0.2.7", 56324)
    assert line["bytes_in"] == 5, "the header is none of the client's bytes"


@pytest.mark.parametrize("header", [V1, V2], ids=["v1", "v2"])
def test_a_header_may_come_byte_by_byte(relay, header):
    running, _ = relay(listener=TRUSTING)
    with running.connect() as connection:
        for i in range(len(header)):
            connection.send(header[i:i + 1])
        connection.send(b"x")
        assert connection.read_exactly(1) == b"x"


def test_a_proxy_may_speak_for_itself(relay):
    running, _ = relay(listener=TRUSTING)
    with running.connect() as connection:
        connection.send(LOCAL + b"x")
        assert connection.read_exactly(1) == b"x"
    assert eventually(running.access_log)[0]["client"] == "127.0.0.1"


@pytest.mark.parametrize("bytes_", [b"hello, no header", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 99999\r\n", b"PROXY " + b"x" * 200,
                                    SIGNATURE + b"\x31\x11\x00\x0c" + b"x" * 12, SIGNATURE + b"\x21\x11\x00\x01x",
                                    V2_DAMAGED])
def test_what_is_no_header_ends_the_connection_and_is_counted(relay, bytes_):
    running, backend = relay(listener=TRUSTING)
    with running.connect() as connection:
        connection.send(bytes_)
        assert connection.is_closed()
    eventually(lambda: refused(running) == 1)
    assert backend.accepted == 0


def test_a_header_that_never_comes_is_not_waited_for_without_end(relay):
    running, _ = relay(listener={**TRUSTING, "timeouts": {"header": "300ms"}})
    with running.connect() as connection:
        connection.send(V1[:10])
        assert connection.is_closed()
    assert refused(running) == 1


def test_others_cannot_claim_to_be_somebody(relay):
    running, _ = relay(listener={"proxy_protocol": "optional", "trusted_proxies": ["192.0.2.0/24"]})
    with running.connect() as connection:
        connection.send(V1)
        assert connection.read_exactly(len(V1)) == V1, "of an untrusted peer it is data like any other"
    assert eventually(running.access_log)[0]["client"] == "127.0.0.1"
    running.reload({**running.config, "listeners": [
        {**running.config["listeners"][0], "proxy_protocol": "required"}]})
    with running.connect() as connection:
        connection.send(V1)
        assert connection.is_closed()
    assert refused(running) == 1


def test_where_it_is_optional_both_are_served(relay):
    running, _ = relay(listener={**TRUSTING, "proxy_protocol": "optional"})
    for header, client in ((V2, "192.0.2.7"), (b"", "127.0.0.1")):
        before = len(running.access_log())
        with running.connect() as connection:
            connection.send(header + b"x")
            assert connection.read_exactly(1) == b"x"
        eventually(lambda: len(running.access_log()) > before)
        assert running.access_log()[-1]["client"] == client


def test_http_takes_the_client_from_it(proxy):
    running, origin = proxy(listener=TRUSTING)
    with running.connect() as connection:
        connection.send(V1)
        assert connection.request().status == 200
        assert connection.request().status == 200
    assert [request.get("x-forwarded-for") for request in origin.requests] == ["192.0.2.7"] * 2


@pytest.mark.parametrize("version", ["v1", "v2", "v2_checksum"])
def test_backends_are_told(relay, version):
    heard = []

    async def listen(connection):
        if version == "v1":
            heard.append(await connection.reader.readline())
        else:
            head = await connection.reader.readexactly(16)
            heard.append(head + await connection.reader.readexactly(struct.unpack("!H", head[14:])[0]))
        await connection.send(await connection.reader.readexactly(1))

    running, _ = relay(listen, pool={"proxy_protocol": version})
    with running.connect() as connection:
        address, port = connection.socket.getsockname()
        connection.send(b"x")
        assert connection.read_exactly(1) == b"x"
        if version == "v1":
            assert heard == [f"PROXY TCP4 {address} 127.0.0.1 {port} {running.port}\r\n".encode()]
        else:
            assert heard[0].startswith(SIGNATURE + b"\x21\x11")
            assert heard[0][16:28] == bytes([127, 0, 0, 1] * 2) + struct.pack("!HH", port, running.port)
            assert heard[0][28:31] == b"\x05\x00\x20", "a unique id of 32 bytes"
            checksum = heard[0][31 + 32:]
            assert (len(checksum), checksum[:3]) == ((7, b"\x03\x00\x04") if version == "v2_checksum" else (0, b""))


def test_http_backends_are_told_and_connections_are_not_shared(weir, backends):
    heads = []

    async def serve(connection):
        heads.append(await connection.reader.readline())
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        assert await connection.reader.read(1) == b""

    (one,) = backends("one", behave=serve)
    running = weir(tcp_config(tcp_pool(one, health_check="off", proxy_protocol="v1"), listener={"protocol": "http"}))
    ports = []
    for _ in range(3):
        with running.connect() as connection:
            ports.append(connection.socket.getsockname()[1])
            assert connection.request().body == b"ok"
    assert heads == [f"PROXY TCP4 127.0.0.1 127.0.0.1 {port} {running.port}\r\n".encode() for port in ports]


def test_what_one_weir_writes_another_believes(relay, weir, backends):
    running, backend = relay(listener=TRUSTING)
    middle, front = running.config, free_port()
    middle["listeners"].append({"name": "front", "address": f"127.0.0.1:{front}", "protocol": "tcp", "pool": "next",
                                "proxy_protocol": "required", "trusted_proxies": ["127.0.0.0/8"]})
    middle["pools"].append({"name": "next", "health_check": "off", "proxy_protocol": "v2",
                            "backends": [{"host": "127.0.0.1", "port": running.port}]})
    running.reload(middle)
    from client import Connection

    with Connection(front) as connection:
        connection.send(V1 + b"x")
        assert connection.read_exactly(1) == b"x"
    eventually(lambda: len(running.access_log()) == 2)
    assert [line["client"] for line in running.access_log()] == ["192.0.2.7"] * 2
