"""PostgreSQL: psql and pgbench through Weir, over a reload and with a server that goes away."""

import glob
import os
import pathlib
import subprocess
import tempfile

import pytest
from tcp_backend import tcp_config
from waiting import PATIENCE, eventually, free_port

pytestmark = pytest.mark.multiworker


class Postgres:
    """A cluster of the test's own. The server refuses to be root's, so `folder` and all above it must be open to
    another user for as long as it lives: pytest's own folders are not, as any other run of pytest closes them again."""

    def __init__(self, folder):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        assert found, "the package postgresql is missing: ./dev setup test"
        self.programs = pathlib.Path(found[-1])
        self.port = None
        self.user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        self.folder = folder / "data"
        self.folder.mkdir()
        if self.user:
            folder.chmod(0o755)
            subprocess.run(["chown", "postgres:postgres", self.folder], check=True)
        self.call("initdb", "-D", self.folder, "-A", "trust", "-U", "tester", "--no-sync")

    def run(self, program, *arguments):
        return subprocess.run([self.programs / program, *arguments], capture_output=True, text=True, cwd=self.folder,
                              check=False, **self.user)

    def call(self, program, *arguments):
        run = self.run(program, *arguments)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def start(self):
        """On the port that it had before; a first one may be taken by somebody else in the meantime."""
        ports = [self.port] if self.port else [free_port() for _ in range(5)]
        for port in ports:
            run = self.run("pg_ctl", "-D", self.folder, "-w", "-t", "240", "-l", self.folder / "log", "-o",
                           f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off", "start")
            if run.returncode == 0:
                self.port = port
                return self
            log = (self.folder / "log").read_text()
            if "could not create any TCP/IP sockets" not in log:
                break
        raise AssertionError(f"PostgreSQL does not start: {run.stdout}{run.stderr}{log}")

    def stop(self):
        self.call("pg_ctl", "-D", self.folder, "-w", "-m", "immediate", "stop")


@pytest.fixture
def database():
    with tempfile.TemporaryDirectory(prefix="weir-postgres-") as folder:
        server = Postgres(pathlib.Path(folder)).start()
        yield server
        server.stop()


def tool(database, program, port, *arguments):
    command = [database.programs / program, "-h", "127.0.0.1", "-p", str(port), "-U", "tester", *arguments, "postgres"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def output_of(process, seconds=120):
    output, _ = process.communicate(timeout=seconds * PATIENCE)
    assert process.returncode == 0, output
    return output


def test_psql_and_pgbench(weir, database):
    pool = {"name": "db", "health_check": {"type": "tcp", "interval": "1s", "timeout": "1s"},
            "backends": [{"id": "one", "host": "127.0.0.1", "port": database.port}]}
    running = weir(tcp_config(pool))
    rows = "select repeat('x', 1000000) from generate_series(1, 20)"
    answer = output_of(tool(database, "psql", running.port, "-At", "-c", "select 40 + 2", "-c", rows))
    assert answer == "42\n" + ("x" * 1_000_000 + "\n") * 20
    output_of(tool(database, "pgbench", running.port, "-i", "-q", "-s", "1"))
    load = tool(database, "pgbench", running.port, "-c", "8", "-j", "2", "-T", "5", "-n")
    # A reload closes no connection of a listener that stays.
    for weight in (2, 3):
        running.settle(0.5)
        changed = {**pool, "backends": [{**pool["backends"][0], "weight": weight}]}
        running.reload({**running.config, "pools": [changed]})
    output = output_of(load)
    assert "number of failed transactions: 0" in output, output
    # With a connection for each transaction, each is Weir's as well.
    output = output_of(tool(database, "pgbench", running.port, "-c", "4", "-C", "-t", "25", "-S", "-n"))
    assert "number of transactions actually processed: 100/100" in output, output
    eventually(lambda: running.metric("weir_connections_active") == 0)
    endings = {line["termination"] for line in running.access_log()}
    assert endings <= {"client_closed", "backend_closed"}, endings


def test_a_server_that_is_killed_ends_its_sessions(weir, database):
    pool = {"name": "db", "health_check": "off", "retries": 0,
            "backends": [{"id": "one", "host": "127.0.0.1", "port": database.port}]}
    running = weir(tcp_config(pool))
    session = tool(database, "psql", running.port, "-c", "select pg_sleep(60)")
    eventually(lambda: running.metric("weir_backend_requests_active", backend="one") == 1)
    running.settle(0.5)
    database.stop()
    output, _ = session.communicate(timeout=20 * PATIENCE)
    assert session.returncode != 0 and "connection" in output
    database.start()
    assert output_of(tool(database, "psql", running.port, "-At", "-c", "select 1")) == "1\n"


def test_probes_begin_sessions_and_leave_no_line_in_its_log(weir, database):
    check = {"type": "postgresql", "user": "tester", "database": "postgres", "interval": "500ms", "timeout": "500ms",
             "fast_interval": "100ms", "healthy_threshold": 1, "unhealthy_threshold": 2}
    stranger = {"name": "stranger", "health_check": {**check, "user": "nobody"}}
    pools = [{**pool, "backends": [{"id": "one", "host": "127.0.0.1", "port": database.port}]}
             for pool in ({"name": "db", "health_check": check}, stranger)]
    running = weir(tcp_config(*pools))
    running.wait_for_state("healthy", "one", pool="db")
    running.wait_for_state("unhealthy", "one", pool="stranger")
    reason = running.admin("GET", "/backends/one?pool=stranger").json["reason"]
    assert 'FATAL 28000: role "nobody" does not exist' in reason
    running.settle(1)
    log = (database.folder / "log").read_text()
    assert [line for line in log.splitlines() if "nobody" not in line and ("ERROR" in line or "FATAL" in line)] == []
    assert "incomplete startup packet" not in log and "unexpected EOF" not in log
    database.stop()
    running.wait_for_state("unhealthy", "one", pool="db")
    database.start()
