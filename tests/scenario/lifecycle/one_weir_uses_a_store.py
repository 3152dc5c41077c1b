"""An SQLite store is one Weir's: a second one is refused while the first lives, and writes never go to a file that is
gone or full without the API saying so."""

import pathlib
import resource

import pytest
from waiting import eventually
from weir import Weir, config_of, pool_of


@pytest.fixture
def config(tmp_path, origins):
    return config_of(pool_of(origins("file")), store={"type": "sqlite", "path": str(tmp_path / "weir.db")})


def add(running, number):
    body = {"host": "127.0.0.1", "port": 1000 + number, "id": f"b{number}", "pool": "site", "enabled": False}
    return running.admin("POST", "/backends", body)


def test_a_second_weir_is_refused_and_the_first_goes_on(weir, config, tmp_path):
    first = weir(config)
    (tmp_path / "second").mkdir()
    listener = {**config["listeners"][0], "address": "127.0.0.1:0"}
    second = Weir(tmp_path / "second", {**config, "listeners": [listener]})
    try:
        second.start(wait=False)
        assert second.wait() == 2
        assert f"another Weir (process {first.process.pid}) uses this store" in second.log()
        assert add(first, 1).status == 201
        first.kill()
        second.start()  # the lock ends with the process, however that ends
        assert second.admin("GET", "/backends/b1").status == 200
        second.stop()
    finally:
        if second.process is not None and second.process.poll() is None:
            second.kill()


def test_a_store_that_was_removed_takes_nothing(weir, config):
    running = weir(config)
    assert add(running, 1).status == 201
    store = pathlib.Path(config["store"]["path"])
    store.rename(store.with_suffix(".away"))
    refused = add(running, 2)
    assert refused.status == 503, refused.text
    assert "removed or replaced" in refused.problem["detail"]
    assert running.admin("GET", "/backends/b2").status == 404
    drained = running.admin("POST", "/backends/b1/drain")
    assert (drained.status, drained.json["status"], drained.json["stored"]) == (200, "draining", False)
    assert running.metric("weir_store_pending_changes") == 1
    store.with_suffix(".away").rename(store)
    eventually(lambda: running.metric("weir_store_pending_changes") == 0, 20, "stored when it can be")
    assert running.admin("GET", "/backends/b1").json["stored"] is True
    assert add(running, 2).status == 201


def test_at_the_limit_of_file_sizes_changes_are_refused_and_nothing_ends(weir, config):
    running = weir(config)
    limit = resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (30_000, limit[1]))
    answers = []
    eventually(lambda: answers.append(add(running, len(answers))) or answers[-1].status != 201, 20)
    assert answers[-1].status == 507, answers[-1].text
    assert running.admin("GET", "/health/live").status == 200
    for action in ("drain", "disable", "enable"):
        assert running.admin("POST", f"/backends/file/{action}").status == 200, "states of backends apply all the same"
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, limit)
    assert add(running, len(answers)).status == 201
