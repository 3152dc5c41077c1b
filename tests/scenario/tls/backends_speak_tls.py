"""`tls:` on a pool: verified by default, with the right name, for requests and for probes."""

from certificates import Authority
from client import get
from tls_peers import TlsOrigin
from waiting import eventually
from weir import HEALTH_CHECK, config_of


def pool_to(origin, tls, host="127.0.0.1", **settings):
    return {"name": "site", "tls": tls, "health_check": HEALTH_CHECK, "retries": 0, **settings,
            "backends": [{"id": "one", "host": host, "port": origin.port}]}


def test_verified_by_address_and_probed(weir, authority):
    with TlsOrigin(authority.issue("IP:127.0.0.1")) as origin:
        balancer = weir(config_of(pool_to(origin, {"ca": str(authority.cert)}), workers=1))
        balancer.wait_for_state("healthy", "one")
        for _ in range(3):
            assert get(balancer.port, "/").body == b"from the backend"
        assert origin.names[:1] == [None]  # addresses are no names (RFC 6066 3)
        # Kept alive: one connection for requests, the others are probes.
        assert balancer.metric("weir_upstream_connections_opened_total", pool="site") == 1


def test_the_name_that_is_asked_for_is_checked(weir, authority):
    with TlsOrigin(authority.issue("inside.example")) as origin:
        balancer = weir(config_of(pool_to(origin, {"ca": str(authority.cert), "sni": "inside.example"})))
        balancer.wait_for_state("healthy", "one")
        assert get(balancer.port, "/").status == 200
        assert origin.names[0] == "inside.example"
        balancer.reload(config_of(pool_to(origin, {"ca": str(authority.cert), "sni": "other.example"}),
                                  listener={"address": balancer.config["listeners"][0]["address"]}))
        eventually(lambda: get(balancer.port, "/").status in (502, 503), 10)
        balancer.wait_for_state("unhealthy", "one")
        eventually(lambda: "hostname mismatch" in balancer.log(), 5)


def test_an_unknown_authority_is_refused_unless_told_otherwise(weir, authority, tmp_path):
    other = Authority(tmp_path, "Another")
    with TlsOrigin(other.issue("IP:127.0.0.1")) as origin:
        off = {**HEALTH_CHECK, "enabled": False}
        balancer = weir(config_of(pool_to(origin, {"ca": str(authority.cert)}, health_check=off)))
        assert get(balancer.port, "/").status == 502
        assert origin.asked == []
        (line,) = eventually(balancer.access_log)
        assert line["detail"].startswith("the backend's certificate is not trusted: ") and "(tls.ca)" in line["detail"]
        listener = {"address": balancer.config["listeners"][0]["address"]}
        balancer.reload(config_of(pool_to(origin, {"verify": False}, health_check=off), listener=listener))
        assert get(balancer.port, "/").status == 200
        # The system's authorities do not know this one.
        balancer.reload(config_of(pool_to(origin, True, health_check=off), listener=listener))
        assert get(balancer.port, "/").status == 502


def test_a_certificate_is_shown_to_the_backend(weir, authority):
    own = authority.issue("weir.example")
    with TlsOrigin(authority.issue("IP:127.0.0.1"), client_authority=authority) as origin:
        tls = {"ca": str(authority.cert), **own.files}
        balancer = weir(config_of(pool_to(origin, tls)))
        balancer.wait_for_state("healthy", "one")
        assert get(balancer.port, "/").status == 200


def test_sessions_are_resumed_and_long_bodies_pass(weir, authority):
    with TlsOrigin(authority.issue("IP:127.0.0.1")) as origin:
        off = {**HEALTH_CHECK, "enabled": False}
        balancer = weir(config_of(pool_to(origin, {"ca": str(authority.cert)}, health_check=off,
                                          connections={"max_requests": 1}), workers=1))
        origin.body = bytes(range(256)) * 4000
        for _ in range(4):
            assert get(balancer.port, "/").body == origin.body
        assert origin.resumed[0] is False
        assert origin.resumed[1:] == [True, True, True]


def test_a_plain_backend_is_a_bad_gateway(weir, origins, authority):
    (origin,) = origins("one")
    off = {**HEALTH_CHECK, "enabled": False}
    balancer = weir(config_of(pool_to(origin, {"verify": False}, health_check=off)))
    assert get(balancer.port, "/").status in (502, 504)
    origin.faults.clear()


def test_the_name_is_checked_however_a_session_began(weir, authority):
    """Two pools reach one address by two names, and share what they know of it; only one of the names is its own."""
    with TlsOrigin(authority.issue("localhost")) as origin:
        off = {**HEALTH_CHECK, "enabled": False}
        rules = {"ca": str(authority.cert)}
        pools = [pool_to(origin, rules, host, name=name, health_check=off, connections={"max_requests": 1})
                 for name, host in (("right", "localhost"), ("wrong", "127.0.0.1"))]
        routes = [{"match": {"path_prefix": f"/{pool['name']}"}, "pool": pool["name"]} for pool in pools]
        for number, pool in enumerate(pools):
            pool["backends"][0]["id"] = f"b{number}"
        balancer = weir(config_of(*pools, listener={"routes": routes}, workers=1))
        eventually(lambda: get(balancer.port, "/right").status == 200, 10)
        eventually(lambda: get(balancer.port, "/right").status == 200 and origin.resumed[-1], 10)
        assert get(balancer.port, "/wrong").status == 502


def test_a_reload_reads_the_authorities_of_the_system_again(weir, authority, tmp_path, monkeypatch):
    system = tmp_path / "system.pem"
    system.write_bytes(Authority(tmp_path, "Another").cert.read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(system))
    with TlsOrigin(authority.issue("IP:127.0.0.1")) as origin:
        off = {**HEALTH_CHECK, "enabled": False}
        balancer = weir(config_of(pool_to(origin, True, health_check=off)))
        assert get(balancer.port, "/").status == 502
        system.write_bytes(system.read_bytes() + authority.cert.read_bytes())
        balancer.reload({**balancer.config, "log_level": "warning"})
        eventually(lambda: get(balancer.port, "/").status == 200, 10)


def test_tcp_probes_make_the_handshake(weir, authority, origins):
    probe = {**{key: value for key, value in HEALTH_CHECK.items() if key != "path"}, "type": "tcp"}
    (plain,) = origins("plain")
    with TlsOrigin(authority.issue("IP:127.0.0.1")) as origin:
        site = pool_to(origin, {"ca": str(authority.cert)}, health_check=probe)
        site["backends"].append({"id": "plain", "host": "127.0.0.1", "port": plain.port})
        balancer = weir(config_of(site))
        balancer.wait_for_state("healthy", "one")
        balancer.wait_for_state("unhealthy", "plain")
        eventually(lambda: "TLS handshake" in balancer.log(), 5)
