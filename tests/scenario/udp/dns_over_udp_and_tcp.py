"""Two real name servers behind Weir, asked by dig."""

import contextlib
import getpass
import re
import shutil
import subprocess

import pytest
from datagrams import udp_config, udp_port
from waiting import PATIENCE, eventually

pytestmark = pytest.mark.skipif(not (shutil.which("dnsmasq") and shutil.which("dig")),
                                reason="needs dnsmasq-base and bind9-dnsutils: ./dev setup test")

LONG = "x" * 200  # eight of these do not fit in a datagram of 512 bytes


def dig(port, *question, udp=True):
    command = ["dig", "@127.0.0.1", "-p", str(port), "+tries=3", f"+time={2 * PATIENCE}",
               "+notcp" if udp else "+tcp", *question]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


class NameServer:
    """dnsmasq with a zone of its own, on one port for UDP and TCP."""

    def __init__(self, name, folder):
        self.name = name
        self.port = udp_port()
        records = ["--address=/www.example.test/192.0.2.1", "--address=/www.example.test/2001:db8::1",
                   f"--txt-record=who.example.test,{name}", "--mx-host=example.test,mail.example.test,10"]
        records += [f"--txt-record=long.example.test,{i}{LONG}" for i in range(8)]
        log = open(folder / f"{name}.log", "wb")
        self.process = subprocess.Popen(
            ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", f"--port={self.port}", "--bind-interfaces",
             "--listen-address=127.0.0.1", "--no-resolv", "--no-hosts", "--pid-file", f"--user={getpass.getuser()}",
             "--local=/example.test/", "--edns-packet-max=4096", *records], stdout=log, stderr=log)
        log.close()
        eventually(self.answers, 10, f"{name} answers")

    def answers(self):
        assert self.process.poll() is None, "dnsmasq has ended"
        with contextlib.suppress(subprocess.CalledProcessError):
            return self.name in dig(self.port, "+short", "TXT", "who.example.test")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def servers(tmp_path):
    started = []
    for name in ("one", "two"):
        started.append(NameServer(name, tmp_path))
    yield started
    for server in started:
        if server.process.poll() is None:
            server.stop()


def dns_config(servers, **settings):
    backends = [{"id": server.name, "host": "127.0.0.1", "port": server.port} for server in servers]
    # A question for the name servers of the root: whoever answers it is alive, whatever the answer.
    check = {"type": "udp", "send_hex": "7765 0100 0001 0000 0000 0000 00 0002 0001", "expected_hex": "7765",
             "interval": "1s", "fast_interval": "200ms", "timeout": "1s"}
    return udp_config(listener={"udp": {"expected_responses": 1}, "timeouts": {"idle": "5s"}},
                      pool={"backends": backends, "health_check": check}, **settings)


def test_every_kind_of_answer(weir, servers):
    running = weir(dns_config(servers))
    running.wait_for_state("healthy", "one", "two", pool="udp")
    seen = {dig(running.port, "+short", "TXT", "who.example.test").strip('"\n') for _ in range(6)}
    assert seen == {"one", "two"}
    assert dig(running.port, "+short", "A", "www.example.test") == "192.0.2.1\n"
    assert dig(running.port, "+short", "AAAA", "www.example.test") == "2001:db8::1\n"
    assert dig(running.port, "+short", "MX", "example.test") == "10 mail.example.test.\n"
    assert "NXDOMAIN" in dig(running.port, "nothing.example.test")
    truncated = dig(running.port, "+ignore", "+bufsize=512", "TXT", "long.example.test")
    assert re.search(r"flags: [a-z ]*\btc\b", truncated)
    assert dig(running.port, "+bufsize=4096", "TXT", "long.example.test").count(LONG) == 8
    eventually(lambda: running.metric("weir_udp_flows_active", listener="udp") == 0)
    assert running.metric("weir_udp_datagrams_total", direction="client_in") == 12


def test_a_server_that_dies_is_not_missed(weir, servers):
    running = weir(dns_config(servers))
    running.wait_for_state("healthy", "one", "two", pool="udp")
    servers[0].stop()
    for _ in range(10):
        # One try each: a question that is refused goes to the other server at once.
        assert dig(running.port, "+short", "+tries=1", "TXT", "who.example.test") == '"two"\n'
    running.wait_for_state("unhealthy", "one", pool="udp")


def test_udp_and_tcp_on_one_port(weir, servers):
    config = dns_config(servers)
    port = udp_port()
    config["listeners"][0]["address"] = f"127.0.0.1:{port}"
    config["listeners"].append({"name": "tcp", "address": f"127.0.0.1:{port}", "protocol": "tcp", "pool": "udp"})
    running = weir(config)
    assert dig(port, "+short", "A", "www.example.test") == "192.0.2.1\n"
    assert dig(port, "+short", "A", "www.example.test", udp=False) == "192.0.2.1\n"
    # Cut short over UDP, whole over TCP, as dig goes on by itself.
    assert dig(port, "+bufsize=512", "TXT", "long.example.test").count(LONG) == 8
    assert running.metric("weir_udp_datagrams_total", listener="udp", direction="client_in") == 2
