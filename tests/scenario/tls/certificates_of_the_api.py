"""GET, PUT and DELETE /certificates: shown on listeners that name them or none, kept in the store, keys never shown."""

from tls_peers import TlsClient, https_of
from weir import config_of, pool_of


def body_of(pair):
    return {"cert": pair.cert.read_text(), "key": pair.key.read_text()}


def serial(balancer, authority, name="site.example"):
    with TlsClient(balancer.port, authority, name) as client:
        return client.serial


def test_a_listener_without_certificates_shows_those_of_the_api(weir, origins, authority, tmp_path):
    config = config_of(pool_of(origins("one")), listener={"protocol": "https"},
                       store={"type": "sqlite", "path": str(tmp_path / "weir.db")})
    balancer = weir(config)
    pair = authority.issue("site.example")
    answer = balancer.admin("PUT", "/certificates/site", body_of(pair))
    assert answer.status == 201, answer.text
    assert answer.json["names"] == ["site.example"]
    assert answer.json["origin"] == "api"
    first = serial(balancer, authority)

    # A bad one is refused, and nothing changes.
    other = authority.issue("site.example")
    mixed = {**body_of(pair), "key": body_of(other)["key"]}
    refusal = balancer.admin("PUT", "/certificates/site", mixed)
    assert refusal.status in (400, 409), refusal.text
    assert "the private key is not the one of the certificate" in refusal.text
    assert serial(balancer, authority) == first

    assert balancer.admin("PUT", "/certificates/site", body_of(other)).status == 200
    second = serial(balancer, authority)
    assert second != first

    # Nowhere is the key to be seen.
    for path in ("/certificates", "/certificates/site", "/config", "/listeners"):
        assert "PRIVATE" not in balancer.admin("GET", path).text
    assert "PRIVATE" not in balancer.log()

    # It survives kill -9.
    balancer.kill()
    balancer.start()
    assert serial(balancer, authority) == second

    assert balancer.admin("DELETE", "/certificates/site").status == 200
    assert balancer.admin("GET", "/certificates/site").status == 404
    assert balancer.admin("GET", "/certificates").json == {"certificates": []}


def test_one_that_a_listener_names_cannot_be_removed(weir, origins, authority):
    pair = authority.issue("site.example")
    balancer = weir(https_of(pool_of(origins("one")), certificates=[pair]))
    assert balancer.admin("PUT", "/certificates/api", body_of(authority.issue("api.example"))).status == 201
    listener = {"name": "more", "address": "127.0.0.1:0", "protocol": "https", "pool": "site",
                "tls": {"certificates": ["api"]}}
    assert balancer.admin("POST", "/listeners", listener).status == 201
    refusal = balancer.admin("DELETE", "/certificates/api")
    assert refusal.status == 409, refusal.text
    assert "in use by listener 'more'" in refusal.text
    assert balancer.admin("DELETE", "/listeners/more").status == 200
    assert balancer.admin("DELETE", "/certificates/api").status == 200


def test_those_of_the_file_are_the_files(weir, origins, authority):
    pair = authority.issue("site.example")
    config = config_of(pool_of(origins("one")), listener={"protocol": "https", "tls": {"certificates": ["site"]}},
                       certificates=[{"name": "site", **pair.files}])
    balancer = weir(config)
    assert balancer.admin("GET", "/certificates/site").json["origin"] == "file"
    assert balancer.admin("PUT", "/certificates/site", body_of(pair)).status == 409
    assert balancer.admin("DELETE", "/certificates/site").status == 409
    assert serial(balancer, authority)
