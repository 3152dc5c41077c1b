"""GET /metrics: what promtool accepts without a word, with counters that add up."""

import subprocess

import pytest
from client import get, request
from waiting import eventually
from weir import config_of, pool_of


@pytest.fixture
def site(weir, origins):
    started = origins("a", "b")
    running = weir(config_of(pool_of(started), workers=2))
    running.wait_for_state("healthy", "a", "b")
    return running


def test_promtool_is_content(site):
    for _ in range(4):
        get(site.port)
    text = site.admin("GET", "/metrics").text
    check = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert (check.returncode, check.stdout, check.stderr) == (0, "", "")


@pytest.mark.multiworker
def test_requests_are_counted_by_where_they_went(site):
    for _ in range(10):
        request(site.port, "POST", body=b"x" * 100)

    def are_counted():
        return (site.metric("weir_requests_total", listener="web", pool="site", code="200") == 10
                and site.metric("weir_requests_total", backend="a") == 5
                and site.metric("weir_requests_total", backend="b") == 5
                and site.metric("weir_backend_requests_total", pool="site") == 10
                and site.metric("weir_request_duration_seconds_count") == 10
                and site.metric("weir_bytes_total", direction="client_in") >= 1000)

    eventually(are_counted, what="counted after the answers")


def test_failures_are_counted_by_reason(weir, origins):
    origins_of_pool = origins("up", "gone")
    pool = pool_of(origins_of_pool, health_check="off", retries={"attempts": 3, "budget": "100%"})
    running = weir(config_of(pool))
    origins_of_pool[1].stop()
    for _ in range(4):
        assert get(running.port).status == 200
    assert running.metric("weir_backend_failures_total", backend="gone", reason="refused") >= 1
    assert running.metric("weir_backend_failures_total", backend="up") == 0


def test_families_of_the_design_are_there(site):
    get(site.port)
    eventually(lambda: site.metric("weir_requests_total") == 1, what="counted after the answer")
    names = {name for name, _, _ in site.metrics()}
    for name in ("weir_requests_total", "weir_request_duration_seconds_bucket", "weir_upstream_duration_seconds_bucket",
                 "weir_connections_active", "weir_backend_up", "weir_backend_connections_active",
                 "weir_backend_requests_total", "weir_bytes_total", "weir_upstream_connections_opened_total",
                 "weir_upstream_connections_reused_total", "weir_health_check_duration_seconds_bucket",
                 "weir_config_reloads_total", "weir_process_cpu_seconds_total", "weir_build_info"):
        assert name in names, name


def test_series_of_a_removed_backend_disappear(site, origins):
    (origin,) = origins("late")
    body = {"host": origin.host, "port": origin.port, "id": "late", "pool": "site"}
    assert site.admin("POST", "/backends", body).status == 201
    assert site.metric("weir_backend_up", backend="late") == 1
    site.admin("DELETE", "/backends/late")
    eventually(lambda: not [1 for _, labels, _ in site.metrics() if labels.get("backend") == "late"])
