""" "*:port" means what the system has: without IPv6 in the kernel Weir starts on IPv4 and says so."""

import pytest
import without_ipv6
from client import get
from datagrams import Client, Echo, udp_port, who
from waiting import free_port
from weir import BINARY, Weir, config_of, pool_of


@pytest.fixture
def start(tmp_path, monkeypatch):
    """start(config): Weir on such a system."""
    monkeypatch.setenv("WEIR_WITHOUT_IPV6", BINARY)
    started = []

    def made(config):
        started.append(Weir(tmp_path, config, binary=without_ipv6.__file__))
        return started[-1].start()

    yield made
    for one in started:
        one.stop()


@pytest.mark.skipif(not without_ipv6.is_possible(), reason="the number of socket() is not known here")
def test_on_tcp_and_udp(start, origins):
    echo = Echo("echo")
    config = config_of(pool_of(origins("one")), listener={"address": f"*:{free_port()}"})
    config["listeners"].append({"name": "udp", "address": f"*:{udp_port()}", "protocol": "udp", "pool": "udp"})
    config["pools"].append({"name": "udp", "health_check": False,
                            "backends": [{"id": echo.name, "host": echo.host, "port": echo.port}]})
    config["drain_timeout"] = "500ms"  # the flow would hold the end up for its idle time
    try:
        running = start(config)
        assert get(running.port).status == 200
        with Client(int(config["listeners"][1]["address"].rpartition(":")[2])) as client:
            assert who(client.ask()) == "echo"
        for name in ("web", "udp"):
            assert f"listener {name}: this system has no IPv6" in running.log()
    finally:
        echo.stop()
