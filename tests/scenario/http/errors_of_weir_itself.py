"""An error that Weir makes says what happened in JSON or plain text, names the request, and hides the backend."""

import pytest
from client import get
from weir import config_of, pool_of


@pytest.fixture
def gone(weir, origins):
    """No backend listens, and there is nothing else to try."""
    (origin,) = origins("one")
    running = weir(config_of(pool_of([origin], min_healthy=1)))
    running.wait_for_state("healthy", "one")
    origin.stop()
    return running, origin


def test_json(gone):
    running, origin = gone
    response = get(running.port, headers=[("Accept", "application/json")])
    import json

    document = json.loads(response.body)
    assert response.get("content-type").startswith("application/json")
    assert (response.status, document["status"]) == (502, 502)
    assert document["request_id"] == response.get("x-request-id") or len(document["request_id"]) == 32
    assert str(origin.port) not in response.body.decode() and "127.0.0.1" not in response.body.decode()


def test_plain_text(gone):
    running, _ = gone
    response = get(running.port, headers=[("Accept", "text/plain")])
    assert response.get("content-type").startswith("text/plain")
    assert b"502" in response.body


def test_head_gets_no_body(gone):
    running, _ = gone
    with running.connect() as connection:
        response = connection.request("HEAD")
        assert response.status == 502
        assert connection.request("HEAD").status in (502, 503)


def test_no_route_and_no_pool_is_404(weir, origins):
    config = config_of(pool_of(origins("one")))
    del config["listeners"][0]["pool"]
    running = weir(config)
    assert get(running.port).status == 404


def test_an_empty_pool_is_503_with_retry_after(weir):
    running = weir(config_of({"name": "site", "backends": []}))
    response = get(running.port)
    assert response.status == 503
    assert int(response.get("retry-after")) >= 1
