"""An agent beside a backend gives weight, drains and takes the backend out; the API, the log and the events say so."""

import collections

from client import get
from tcp_backend import TcpBackend
from waiting import eventually
from weir import config_of, pool_of


class Agent:
    """Says its words to whoever connects."""

    def __init__(self):
        self.words = b"ready\n"
        self.backend = TcpBackend("agent", behave=self.speak).start()
        self.port = self.backend.port

    async def speak(self, connection):
        await connection.send(self.words)

    def stop(self):
        self.backend.stop()


def agent_of(running, backend="one"):
    return running.admin("GET", f"/backends/{backend}").json["agent"]


def start(weir, origins, agent, **more):
    one, two = origins("one", "two")
    pool = pool_of([one, two], agent={"port": agent.port, "interval": "50ms", "ttl": "500ms", **more})
    pool["backends"][1]["agent_port"] = 1  # where nobody listens, which is no error
    running = weir(config_of(pool))
    running.wait_for_state("healthy", "one", "two")
    eventually(lambda: agent_of(running)["words"] == "ready")
    return running


def shares(running, requests=30):
    return collections.Counter(get(running.port).backend for _ in range(requests))


def test_words_have_their_effect_and_are_shown(weir, origins):
    agent = Agent()
    running = start(weir, origins, agent)
    with running.events() as events:
        agent.words = b"50% maxconn:7\n"
        told = events.next("agent")
        assert (told["backend"], told["agent"]) == ("one", "50%, maxconn:7")
    shown = agent_of(running)
    assert (shown["words"], shown["weight"], shown["max_connections"]) == ("50% maxconn:7", 0.5, 7)
    assert (shown["state"], shown["error"]) == ("ready", None)
    assert running.metric("weir_backend_agent_weight_ratio", backend="one") == 0.5
    eventually(lambda: shares(running) == {"one": 10, "two": 20}, 10, "half a share")

    agent.words = b"drain\n"
    running.wait_for_state("draining", "one")
    assert running.admin("GET", "/backends/one").json["reason"] == "agent: drain, 50%, maxconn:7"
    assert shares(running) == {"two": 30}

    agent.words = b"ready 100% down#disk is full\n"
    running.wait_for_state("unhealthy", "one")
    assert "agent: 100%, maxconn:7, down: disk is full" in running.log()
    assert running.metric("weir_backend_agent_down", backend="one") == 1

    agent.words = b"up\n"
    running.wait_for_state("healthy", "one")
    assert agent_of(running, "two")["error"] == "connect: refused"
    agent.stop()


def test_a_silent_agent_is_forgotten(weir, origins):
    agent = Agent()
    running = start(weir, origins, agent)
    agent.words = b"maint\n"
    running.wait_for_state("disabled", "one")
    agent.stop()
    running.wait_for_state("healthy", "one")
    assert agent_of(running)["words"] == ""


def test_an_operator_goes_before_the_agent(weir, origins):
    agent = Agent()
    running = start(weir, origins, agent)
    assert running.admin("POST", "/backends/one/disable").status == 200
    agent.words = b"drain\n"
    eventually(lambda: agent_of(running)["words"] == "drain")
    assert running.state("one") == "disabled"
    assert running.admin("POST", "/backends/one/enable").status == 200
    running.wait_for_state("draining", "one")
    agent.words = b"ready\n"
    running.wait_for_state("healthy", "one")
    agent.stop()
