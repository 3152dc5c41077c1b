"""A reload is all or nothing: a file with faults changes nothing, and every fault is in the log with its place."""

import pytest
import yaml
from client import get
from weir import config_of, pool_of


@pytest.fixture
def running(weir, origins):
    return weir(config_of(pool_of(origins("a"))))


def spoil(running, change):
    """The running configuration as text, with a change, and the path that the log must name."""
    config = yaml.safe_load(running.config_path.read_text())
    change(config)
    return yaml.safe_dump(config, sort_keys=False)


def remove_the_pool(config):
    config["listeners"][0]["pool"] = "nowhere"


def misspell(config):
    config["pools"][0]["algoritm"] = "random"


BAD = {
    "no YAML at all": "listeners: [{name: web\n  address",
    "empty": "",
    "an unknown pool": remove_the_pool,
    "an unknown key": misspell,
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_traffic_goes_on_as_before(running, bad):
    text = bad if isinstance(bad, str) else spoil(running, bad)
    with running.connect() as connection:
        assert connection.request().backend == "a"
        running.reload_text(text)
        assert connection.request().backend == "a"
    assert get(running.port).backend == "a"
    if text:
        assert "weir.yaml:" in running.log()
    running.reload(running.config)


def test_every_fault_is_reported_with_line_and_column(running):
    def three(config):
        misspell(config)
        remove_the_pool(config)
        config["pools"][0]["backends"][0]["port"] = 70000

    text = spoil(running, three)
    running.reload_text(text)
    lines = {word: number for number, line in enumerate(text.splitlines(), 1)
             for word in ("algoritm", "nowhere", "70000") if word in line}
    for word, number in lines.items():
        assert f"weir.yaml:{number}:" in running.log(), word
    assert "algorithm" in running.log().partition("algoritm")[2], "no suggestion"
