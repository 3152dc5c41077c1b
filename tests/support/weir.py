"""The real binary: started with a configuration of the test's, watched, and stopped with its last words checked."""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import yaml

import described
from client import Connection
from waiting import PATIENCE, eventually, free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("WEIR_BINARY", str(ROOT / "build/release/weir"))
SANITIZER = re.compile(r"(Sanitizer|runtime error:|ThreadSanitizer: data race)")

# Quick enough that a test sees states change, slow enough for a busy machine.
HEALTH_CHECK = {"type": "http", "path": "/health", "interval": f"{500 * PATIENCE}ms", "fast_interval": "100ms",
                "timeout": f"{500 * PATIENCE}ms", "healthy_threshold": 1, "unhealthy_threshold": 2}


def pool_of(origins, name="site", **settings):
    """A pool with these origins as backends, by their names. `weights` gives weights in the same order."""
    weights = settings.pop("weights", None)
    pool = {"name": name, "health_check": dict(HEALTH_CHECK), **settings}
    pool["backends"] = [{"id": origin.name, "host": origin.host, "port": origin.port} for origin in origins]
    for backend, weight in zip(pool["backends"], weights or []):
        backend["weight"] = weight
    return pool


def config_of(*pools, listener=None, **top):
    """One HTTP listener "web" in front of the first pool, and everything else as the test says."""
    web = {"name": "web", "address": f"127.0.0.1:{free_port()}", "protocol": "http", **(listener or {})}
    if pools and "pool" not in web:
        web["pool"] = pools[0]["name"]
    return {"workers": 2, "drain_timeout": "10s", "store": {"type": "memory"}, **top,
            "listeners": [web], "pools": list(pools)}


@dataclasses.dataclass
class Answer:
    """What the admin API said."""

    status: int
    headers: dict
    text: str

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def problem(self):
        """The parsed problem document of an error (RFC 9457)."""
        assert self.headers["content-type"].startswith("application/problem+json"), self.headers
        problem = self.json
        assert problem["status"] == self.status, problem
        return problem


class Events(Connection):
    """A client of GET /events whose stream has begun, unless `status` says otherwise."""

    def __init__(self, admin_port, last_id=None):
        super().__init__(admin_port)
        fields = [("Host", f"127.0.0.1:{admin_port}"), ("Accept", "text/event-stream")]
        if last_id is not None:
            fields.append(("Last-Event-ID", last_id))
        self.send_request("GET", "/events", fields)
        self.status = self.head().status
        self.last_id = last_id

    def next(self, kind):
        """The data of the next event of this kind; others are passed over."""
        while True:
            lines = dict(line.split(b": ", 1) for line in self.read_until(b"\n\n").split(b"\n"))
            if b"id" not in lines:
                continue  # a comment
            self.last_id = lines[b"id"].decode()
            if lines[b"event"].decode() == kind:
                return json.loads(lines[b"data"])


class Weir:
    def __init__(self, folder, config, binary=BINARY, under=()):
        self.folder = pathlib.Path(folder)
        self.binary = binary
        self.under = list(under)  # a command that runs it, such as prlimit
        self.config = config
        self.admin_port = free_port()
        self.config_path = self.folder / "weir.yaml"
        self.log_path = self.folder / "weir.log"
        self.access_log_path = self.folder / "access.log"
        self.process = None
        self.expected_exit = 0
        self.api_port = None  # of a listener that the API made

    # ---- its life ----

    def start(self, wait=True):
        self.write_config(self.config)
        log = open(self.log_path, "ab")
        command = [*self.under, self.binary, "run", "--config", str(self.config_path)]
        self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        log.close()
        if wait:
            eventually(self.is_ready, 15, "ready")
        return self

    def is_ready(self):
        assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.log()[-4000:]}"
        try:
            return self.admin("GET", "/health/ready").status == 200
        except OSError:
            return False

    def write_config(self, config):
        self.config = config
        defaults = {"admin": {"listen": f"127.0.0.1:{self.admin_port}"},
                    "access_log": {"path": str(self.access_log_path), "format": "json"}}
        self.config_path.write_text(yaml.safe_dump({**defaults, **config}, sort_keys=False))

    def reload(self, config):
        """SIGHUP with this configuration; waits until it is applied."""
        before = self.metric("weir_config_reloads_total", result="success")
        self.write_config(config)
        self.process.send_signal(signal.SIGHUP)
        eventually(lambda: self.metric("weir_config_reloads_total", result="success") > before, 10, "reloaded")

    def reload_text(self, text):
        """SIGHUP with a file that must be refused; waits until it was."""
        before = self.metric("weir_config_reloads_total", result="failure")
        self.config_path.write_text(text)
        self.process.send_signal(signal.SIGHUP)
        eventually(lambda: self.metric("weir_config_reloads_total", result="failure") > before, 10, "refused")

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds=15):
        return self.process.wait(seconds * PATIENCE)

    def kill(self):
        """kill -9; teardown then expects nothing of it."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self):
        """Ends it as an operator would, and checks that it went well."""
        if self.process is not None:
            if self.process.poll() is None:
                self.terminate()
            try:
                code = self.wait(20)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGABRT)
                self.process.wait()
                raise AssertionError(f"did not end on SIGTERM:\n{self.log()[-4000:]}") from None
            finally:
                self.process = None
            assert code == self.expected_exit, f"ended with {code}:\n{self.log()[-6000:]}"
        report = SANITIZER.search(self.log())
        assert not report, f"a sanitizer reported:\n{self.log()[max(0, report.start() - 200):][:6000]}"

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def access_log(self):
        """The lines of the JSON access log that are whole."""
        if not self.access_log_path.exists():
            return []
        text = self.access_log_path.read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    # ---- its inside ----

    def admin(self, method, path, body=None, headers=()):
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = [("Connection", "close"), *headers]
        if not any(name.lower() == "host" for name, _ in headers):
            fields.insert(0, ("Host", f"127.0.0.1:{self.admin_port}"))
        if body is not None:
            fields.append(("Content-Type", "application/json"))
            fields.append(("Content-Length", str(len(data))))
        with Connection(self.admin_port) as connection:
            connection.send_request(method, path, fields, b"")
            with contextlib.suppress(ConnectionError):  # an answer to the head may come before the end of the body
                connection.send(data)
            response = connection.response(method)
        lower = {name.lower(): value for name, value in response.headers}
        if isinstance(body, dict) and response.status in (200, 201):
            described.check(self, method, path, body)
        described.check_answer(self, method, path, response.status, lower.get("content-type", ""),
                               response.body.decode())
        return Answer(response.status, lower, response.body.decode())

    def metrics(self):
        """All series: (name, labels, value)."""
        series = []
        for line in self.admin("GET", "/metrics").text.splitlines():
            match = re.fullmatch(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)", line)
            if match and not line.startswith("#"):
                labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
                series.append((match[1], labels, float(match[3])))
        return series

    def metric(self, name, **labels):
        """The sum of all series of that name that have these labels."""
        return sum(v for n, have, v in self.metrics() if n == name and labels.items() <= have.items())

    def state(self, backend, pool="site"):
        for name, labels, value in self.metrics():
            if name == "weir_backend_state" and value == 1:
                if labels["backend"] == backend and labels["pool"] == pool:
                    return labels["state"]
        return None

    def wait_for_state(self, state, *backends, pool="site", seconds=10):
        for backend in backends:
            eventually(lambda: self.state(backend, pool) == state, seconds, f"{backend} {state}")

    def resident_kb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def open_files(self):
        return len(list(pathlib.Path(f"/proc/{self.process.pid}/fd").iterdir()))

    # ---- its listeners ----

    @property
    def port(self):
        return self.api_port or int(self.config["listeners"][0]["address"].rpartition(":")[2])

    @staticmethod
    def is_open(port):
        try:
            Connection(port).close()
            return True
        except ConnectionError:
            return False

    def connect(self, **settings):
        return Connection(self.port, **settings)

    def events(self, last_id=None):
        return Events(self.admin_port, last_id)

    def settle(self, seconds=0.3):
        """Waits a moment in which something must NOT happen."""
        time.sleep(seconds * PATIENCE)


def make_by_api(weir):
    """A pool "default" and a listener "web" in front of it, both objects of the API."""
    weir.api_port = free_port()
    pool = {"name": "default", "health_check": HEALTH_CHECK}
    listener = {"name": "web", "address": f"127.0.0.1:{weir.api_port}", "protocol": "http", "pool": "default"}
    for path, body in (("/pools", pool), ("/listeners", listener)):
        answer = weir.admin("POST", path, body)
        assert answer.status == 201, answer.text
    eventually(lambda: weir.is_open(weir.api_port), 5, "the listener of the API is open")
    return weir
