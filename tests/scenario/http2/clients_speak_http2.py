"""Real HTTP/2 clients in front of an HTTP/1.1 backend: httpx, curl and h2load, by prior knowledge."""

import subprocess

import httpx
import pytest

from h2_raw import NO_ERROR, DataFrame, HeadersFrame, RawH2, get, post
from waiting import PATIENCE


async def tell(exchange):
    """The head as the backend saw it, and how long the body was."""
    body = await exchange.read_body()
    head = exchange.request.raw_head.decode("latin-1")
    await exchange.respond(body=f"{head}{len(body)}".encode(), headers=[("X-Mixed-Case", "kept")])


@pytest.fixture
def url(proxy):
    running, _ = proxy(tell, listener={"http2": True})
    return f"http://127.0.0.1:{running.port}"


def test_httpx(url):
    with httpx.Client(http1=False, http2=True, timeout=10 * PATIENCE) as client:
        answers = [client.post(f"{url}/path?q=1", content=b"x" * 100_000) for _ in range(5)]
    for answer in answers:
        assert (answer.status_code, answer.http_version) == (200, "HTTP/2")
        assert answer.headers["x-mixed-case"] == "kept"
        assert answer.text.startswith("POST /path?q=1 HTTP/1.1\r\nhost: 127.0.0.1")
        assert answer.text.endswith("\r\n\r\n100000")


def test_curl(url, tmp_path):
    body = tmp_path / "body"
    body.write_bytes(b"y" * 3_000_000)
    command = ["curl", "-s", "--http2-prior-knowledge", "--max-time", str(30 * PATIENCE), "--data-binary", f"@{body}", "-w",
               "%{http_version} %{http_code}", f"{url}/"]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert said.endswith("\n30000002 200")


def test_h2load(url):
    command = ["h2load", "-n", "600", "-c", "2", "-m", "16", f"{url}/"]
    said = subprocess.run(command, capture_output=True, check=True, text=True, timeout=60 * PATIENCE).stdout
    assert "600 succeeded, 0 failed, 0 errored" in said


def test_cookies_are_joined_and_the_host_is_the_authority(url):
    with RawH2(int(url.rsplit(":", 1)[1])) as client:
        client.headers(1, get("/", ("cookie", "a=1"), ("accept", "*/*"), ("cookie", "b=2")))
        lines = client.response(1)[2].decode().split("\r\n")
    assert "cookie: a=1; b=2" in lines
    assert lines[1] == "host: test.example"
    assert sum(line.lower().startswith("cookie:") for line in lines) == 1


def test_a_body_without_length_is_chunked_and_keeps_its_trailers(proxy):
    running, origin = proxy(listener={"http2": True})
    with RawH2(running.port) as client:
        client.headers(1, post("/"), end_stream=False)
        client.data(1, b"abc")
        client.headers(1, [("x-sum", "6")])
        assert client.status(1) == 200
    (request,) = origin.requests
    assert request.get("transfer-encoding") == "chunked"
    assert (request.body, request.trailers) == (b"abc", [("x-sum", "6")])


def test_an_answer_may_come_before_the_end_of_the_request(proxy):
    """Also one without a body: it goes out before the stream is reset."""
    running, _ = proxy(listener={"http2": True, "routes": [{"match": {"path": "/old"}, "redirect": {"to": "/new"}}]})
    with RawH2(running.port) as client:
        client.headers(1, post("/old"), end_stream=False)
        client.data(1, b"abc")
        status, headers, body, _ = client.response(1)
        assert (status, dict(headers)["location"], body) == (302, "/new", b"")
        assert client.reset_code(1) == NO_ERROR


def test_te_reaches_the_backend_as_its_version_has_it(url):
    with RawH2(int(url.rsplit(":", 1)[1])) as client:
        client.headers(1, get("/", ("te", "trailers")))
        lines = client.response(1)[2].decode().lower().split("\r\n")
        assert "te: trailers" in lines and "connection: te" in lines
        client.headers(3, get("/"))
        assert not any(line.startswith(("te:", "connection:")) for line in client.response(3)[2].decode().lower().split("\r\n"))


def test_interim_responses_and_trailers_come_back(proxy):
    async def all_of_it(exchange):
        await exchange.read_body()
        await exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
        await exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                            b"3\r\nabc\r\n0\r\nX-Sum: 6\r\nContent-Length: 9\r\n\r\n")

    running, _ = proxy(all_of_it, listener={"http2": True})
    with RawH2(running.port) as client:
        client.headers(1, get("/", ("te", "trailers")))
        status, headers, body, trailers = client.response(1)
        interim = dict(client.of(HeadersFrame, 1)[0].fields)
    assert (interim[":status"], interim["link"]) == ("103", "</a.css>")
    assert (status, body, trailers) == (200, b"abc", [("x-sum", "6")])
    assert not any(name in ("transfer-encoding", "connection") for name, _ in headers)


def test_expect_100_continue(proxy):
    async def careful(exchange):
        await exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await exchange.respond(body=await exchange.read_body())

    running, _ = proxy(careful, listener={"http2": True})
    with RawH2(running.port) as client:
        client.headers(1, post("/", ("expect", "100-continue"), ("content-length", "3")), end_stream=False)
        first = client.wait(lambda made: isinstance(made, HeadersFrame))
        assert dict(first.fields)[":status"] == "100"
        client.data(1, b"abc", end_stream=True)
        assert client.wait(lambda made: isinstance(made, DataFrame)).data == b"abc"


def test_errors_of_weir_itself(proxy):
    running, _ = proxy(listener={"http2": True, "limits": {"header_bytes": 2000, "body_bytes": 10}})
    with RawH2(running.port) as client:
        client.headers(1, get("/", ("x", "y" * 3000)))
        client.headers(3, get("/../../x"))
        client.headers(5, post("/", ("content-length", "11")), end_stream=False)
        client.headers(7, [(":method", "CONNECT"), (":authority", "a.example:443")])
        client.headers(9, post("/"), end_stream=False)
        client.data(9, b"x" * 11, end_stream=True)
        assert [client.status(stream) for stream in (1, 3, 5, 7, 9)] == [431, 400, 413, 405, 413]
        client.headers(11, get())
        assert client.status(11) == 200


def test_head_and_statuses_without_a_body(proxy):
    async def none(exchange):
        await exchange.respond(int(exchange.request.target[1:]), body=b"")

    running, _ = proxy(none, listener={"http2": True})
    with RawH2(running.port) as client:
        for stream, status in ((1, 204), (3, 304), (5, 200)):
            method = "HEAD" if status == 200 else "GET"
            client.headers(stream, [(":method", method), *get(f"/{status}")[1:]])
            assert client.response(stream)[::2] == (status, b"")
            assert not client.of(DataFrame, stream)


def test_a_broken_backend_breaks_only_its_stream(proxy):
    async def half(exchange):
        if exchange.request.target != "/half":
            return await exchange.respond(body=b"whole")
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        exchange.reset()

    running, _ = proxy(half, listener={"http2": True})
    with RawH2(running.port) as client:
        client.headers(1, get("/half"))
        assert client.reset_code(1) == 2
        client.headers(3, get("/"))
        assert client.response(3)[2] == b"whole"
