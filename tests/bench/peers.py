"""The proxies that are compared, each set up alike: one worker, one HTTP listener, two backends, keep-alive both ways,
no access log. The peers are tuned as someone who knows them would for this job, and do not add the forwarding headers
that Weir adds."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.request

PROXY_CORE = 0
LOAD_CORE = 1


def pinned(core):
    """For preexec_fn: everything the process starts stays on this core, and it ends with us."""

    def pin():
        os.sched_setaffinity(0, {core} if os.cpu_count() > 1 else {0})

    return pin


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process, name, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"{name} does not listen on {port}")


def cpu_seconds(pid):
    """User and system time of a process so far."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Proxy:
    """A running proxy. `command(folder)` writes its configuration and says how to start it."""

    name = ""
    started = []  # all of them, so that none is left running when another does not start

    def __init__(self, folder, backends):
        self.folder = pathlib.Path(folder)
        self.backends = backends
        self.port = free_port()
        self.log = open(self.folder / f"{self.name}.log", "wb")
        self.process = subprocess.Popen(
            self.command(), stdout=self.log, stderr=self.log, preexec_fn=pinned(PROXY_CORE), cwd=self.folder
        )
        Proxy.started.append(self)
        try:
            wait_for_port(self.port, self.process, f"{self.name} (see {self.log.name})")
            self.wait_until_serving()
        except BaseException:
            self.stop()
            raise

    def command(self):
        raise NotImplementedError

    def wait_until_serving(self):
        end = time.monotonic() + 15
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/0", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                if time.monotonic() > end:
                    raise
            time.sleep(0.05)

    def pids(self):
        """The process and its children."""
        found = [self.process.pid]
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == self.process.pid:
                found.append(int(stat.parent.name))
        return found

    def anonymous_kb(self):
        """Memory of its own that is in use, over all its processes."""
        total = 0
        for pid in self.pids():
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            total += int(re.search(r"RssAnon:\s+(\d+) kB", status)[1])
        return total

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    @classmethod
    def version(cls):
        raise NotImplementedError

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)


def first_line(command):
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return run.stdout.splitlines()[0] if run.stdout else "?"


class Haproxy(Proxy):
    name = "haproxy"

    def command(self):
        servers = "\n".join(
            f"  server s{i} 127.0.0.1:{port} check inter 10s" for i, port in enumerate(self.backends)
        )
        config = self.write(
            "haproxy.cfg",
            f"""
global
  nbthread 1
  maxconn 7000
  tune.pipesize 262144
defaults
  mode http
  timeout connect 2s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
  option http-keep-alive
  option splice-auto
  http-reuse always
frontend bench
  bind 127.0.0.1:{self.port} backlog 4096
  default_backend origin
backend origin
  balance roundrobin
{servers}
{self.extra()}
""",
        )
        return ["haproxy", "-db", "-f", config]

    def extra(self):
        """More sections."""
        return ""

    @classmethod
    def version(cls):
        return re.search(r"version (\S+)", first_line(["haproxy", "-v"]))[1]


class Nginx(Proxy):
    name = "nginx"

    def command(self):
        servers = " ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in self.backends)
        config = self.write(
            "nginx.conf",
            f"""
worker_processes 1;
daemon off;
pid {self.folder}/nginx.pid;
error_log stderr error;
worker_rlimit_nofile 20000;
events {{ worker_connections 16000; use epoll; accept_mutex off; multi_accept on; }}
http {{
  access_log off;
  tcp_nodelay on;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  proxy_temp_path {self.folder}/temp;
  client_body_temp_path {self.folder}/body;
  upstream origin {{
    {servers}
    keepalive 1024;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
  }}
  server {{
    listen 127.0.0.1:{self.port} backlog=4096;
    {self.location()}
  }}
  {self.extra()}
}}
""",
        )
        return ["nginx", "-p", str(self.folder), "-e", "stderr", "-c", config]

    def location(self):
        return """location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffers 16 64k;
      proxy_busy_buffers_size 256k;
      proxy_max_temp_file_size 0;
    }"""

    def extra(self):
        """More servers."""
        return ""

    @classmethod
    def version(cls):
        return first_line(["nginx", "-v"]).rpartition("/")[2]


class Weir(Proxy):
    name = "weir"
    binary = "build/release/weir"

    def command(self):
        self.admin_port = free_port()
        self.config_path = self.write("weir.yaml", self.configuration())
        return [os.path.abspath(self.binary), "run", "--config", self.config_path]

    def configuration(self, more_listener="", more_pools=""):
        backends = "\n".join(f"      - {{host: 127.0.0.1, port: {port}}}" for port in self.backends)
        return f"""
workers: 1
admin: {{listen: "127.0.0.1:{self.admin_port}"}}
store: {{type: memory}}
access_log: {{enabled: false}}
timeouts: {{idle: 1h}}
listeners:
  - name: bench
    address: 127.0.0.1:{self.port}
    protocol: http
    pool: origin
{more_listener}
pools:
  - name: origin
    algorithm: round_robin
    health_check: {{type: tcp, interval: 10s}}
    connections: {{max_idle: 1024}}
    backends:
{backends}
{more_pools}
"""

    def admin(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}{path}", timeout=10) as answer:
            return answer.read().decode()

    @classmethod
    def version(cls):
        return first_line([os.path.abspath(cls.binary), "version"])


class Before:
    """Mixed into a Weir: another binary of it, measured by turns with the one under test."""

    name = "before"
    binary = ""


def with_before(proxies):
    """`proxies` by name, and an earlier Weir set up as the one among them."""
    return {**proxies, Before.name: type("Before", (Before, proxies[Weir.name]), {})}


PROXIES = with_before({proxy.name: proxy for proxy in (Weir, Haproxy, Nginx)})


class Origin:
    """The two backends: one process, two ports, every address of 127/8, beside the load generator."""

    def __init__(self, program):
        self.ports = [free_port(), free_port()]
        self.process = subprocess.Popen(
            [program, *map(str, self.ports)], stdout=subprocess.PIPE, preexec_fn=pinned(LOAD_CORE)
        )
        if self.process.stdout.readline() != b"ready\n":
            raise RuntimeError("the benchmark's backend did not start")

    def stop(self):
        self.process.terminate()
        self.process.wait()
