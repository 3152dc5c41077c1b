"""Reloads, new names and stopping: flows go on where they are."""

import copy
import json
import threading

from datagrams import Client, udp_config, udp_port, who
from waiting import PATIENCE, eventually


class Talkers:
    """Clients that talk all the time, each on its flow, and note every change of backend and every silence."""

    def __init__(self, port, count):
        self.problems = []
        self.answers = 0
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.talk, args=(port,)) for _ in range(count)]

    def talk(self, port):
        with Client(port) as client:
            first = None
            number = 0
            while not self.stopping.is_set():
                number += 1
                try:
                    answer = client.ask(b"%d" % number)
                except (TimeoutError, OSError) as problem:
                    self.problems.append(repr(problem))
                    return
                first = first or who(answer)
                if answer != b"%s %d" % (first.encode(), number):
                    self.problems.append(f"was at {first}, asked {number}, got {answer}")
                    return
                self.answers += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def go_on(self):
        so_far = self.answers
        eventually(lambda: self.problems or self.answers > so_far + 20 * len(self.threads))
        assert self.problems == []


def test_reloads_under_load_keep_every_flow(weir, echoes):
    backends = echoes("a", "b", "c")
    config = udp_config(*backends)
    running = weir(config)
    with Talkers(running.port, 8) as talkers:
        talkers.go_on()
        for change in range(12):
            changed = copy.deepcopy(config)
            changed["pools"][0]["algorithm"] = ["random", "maglev", "round_robin"][change % 3]
            changed["pools"][0]["backends"] = changed["pools"][0]["backends"][: 1 + change % 3]
            changed["listeners"][0]["udp"] = {"max_flows": 1000 + change}
            if change % 2:  # another listener comes and goes
                changed["listeners"].append({**config["listeners"][0], "name": "more",
                                             "address": f"127.0.0.1:{udp_port()}"})
            running.reload(changed)
            talkers.go_on()
    assert talkers.problems == []
    assert running.metric("weir_udp_flows_total", listener="udp") == 8


def test_a_listener_with_another_name_keeps_sockets_and_flows(weir, echoes):
    config = udp_config(*echoes("a", "b"))
    running = weir(config)
    with Talkers(running.port, 4) as talkers:
        talkers.go_on()
        changed = copy.deepcopy(config)
        changed["listeners"][0]["name"] = "renamed"
        running.reload(changed)
        talkers.go_on()
        assert running.metric("weir_udp_flows_active", listener="renamed") == 4
        running.reload(config)
        talkers.go_on()
    assert talkers.problems == []
    assert running.metric("weir_udp_flows_active", listener="udp") == 4


def test_a_refused_reload_disturbs_nobody(weir, echoes):
    config = udp_config(*echoes("a", "b"))
    running = weir(config)
    with Talkers(running.port, 4) as talkers:
        talkers.go_on()
        for bad in ({"pool": "nowhere"}, {"routes": [{"match": {"path": "/"}, "pool": "udp"}]},
                    {"name": "other", "address": "192.0.2.77:53"}):
            changed = copy.deepcopy(config)
            changed["listeners"].append({**config["listeners"][0], "name": "bad",
                                         "address": f"127.0.0.1:{udp_port()}", **bad})
            running.reload_text(json.dumps(changed))
            talkers.go_on()
    assert talkers.problems == []


def test_a_removed_listener_finishes_its_flows_and_takes_no_others(weir, echoes):
    config = udp_config(*echoes("a", "b"), drain_timeout="8s")
    running = weir(config)
    port = running.port
    with Client(port) as old:
        before = old.ask()
        running.reload({**config, "listeners": [{**config["listeners"][0], "address": f"127.0.0.1:{udp_port()}"}]})
        assert old.ask() == before
        with Client(port) as new:
            new.send(b"?")
            assert new.is_silent()
        # Back again: the address is served at once, whatever was left there.
        running.reload(config)
        assert who(old.ask_stubbornly()) in "ab"
        with Client(port) as new:
            assert who(new.ask_stubbornly()) in "ab"

def test_stopping_waits_for_flows_and_begins_none(weir, echoes):
    listener = {"timeouts": {"idle": f"{2 * PATIENCE}s"}}
    running = weir(udp_config(*echoes("a"), listener=listener, drain_timeout=f"{30 * PATIENCE}s"))
    with Client(running.port) as old, Client(running.port) as new:
        old.ask()
        running.terminate()
        eventually(lambda: "stopping" in running.log())
        new.send(b"?")
        assert old.ask() == b"a hello"
        assert new.is_silent()
        assert running.wait() == 0


def test_stopping_ends_what_is_left_at_the_drain_timeout(weir, echoes):
    running = weir(udp_config(*echoes("a"), drain_timeout="500ms"))
    with Client(running.port) as client:
        client.ask()
        running.terminate()
        assert running.wait() == 0
    assert [line["termination"] for line in running.access_log()] == ["drained"]


def test_a_port_changes_its_protocol(weir, echoes):
    config = udp_config(*echoes("a"))
    running = weir(config)
    with Client(running.port) as client:
        client.ask()
    changed = copy.deepcopy(config)
    changed["listeners"][0]["protocol"] = "http"
    running.reload(changed)
    eventually(lambda: running.is_open(running.port))
    running.reload(config)
    with Client(running.port) as client:
        assert who(client.ask_stubbornly()) == "a"


def test_a_listener_of_the_api_serves_and_goes(weir, echoes):
    running = weir(udp_config(*echoes("a")))
    port = udp_port()
    made = {"name": "made", "address": f"127.0.0.1:{port}", "protocol": "udp", "pool": "udp",
            "udp": {"expected_responses": 1}}
    answer = running.admin("POST", "/listeners", made)
    assert answer.status == 201, answer.text
    with Client(port) as client:
        assert client.ask_stubbornly() == b"a hello"
    shown = running.admin("GET", "/listeners/made").json
    assert shown["protocol"] == "udp" and shown["udp"]["expected_responses"] == 1
    bad = running.admin("POST", "/listeners", {**made, "name": "bad", "udp": {"max_flows": 0}})
    assert bad.status == 400 and "max_flows" in bad.text
    assert running.admin("DELETE", "/listeners/made").status == 200
    with Client(port) as client:
        client.send(b"?")
        assert client.is_silent()
