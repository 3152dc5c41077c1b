"""UDP side by side: Weir and nginx (stream) in front of the same two echoes. haproxy does not balance UDP."""

import dataclasses
import json
import pathlib
import socket
import subprocess
import time

import measure
from peers import LOAD_CORE, Nginx, Weir, pinned, with_before

NOTE = (
    "Questions and answers over UDP; two echoes behind the proxy. `kept flow`: each client stays at its port. `flow per "
    "question`: a port of its own for each, one response expected, as resolvers ask name servers. `bursts`: 16 datagrams "
    "of 1,200 bytes each way per question, handed to the kernel as one (UDP_SEGMENT). All receive buffers are of 4 MB: in "
    "the system's default of 208 KB not even one burst of each of the 16 clients has room, and what the kernel drops there "
    "would be counted as the proxy's failures."
)


@dataclasses.dataclass(frozen=True)
class UdpLoad:
    name: str
    title: str
    arguments: tuple
    responses: bool = False  # one is expected to each question


LOADS = (
    UdpLoad("udp", "UDP, kept flow, 64 clients", ("--clients", "64")),
    UdpLoad("udp-flows", "UDP, flow per question, 64 at a time", ("--clients", "64", "--fresh"), responses=True),
    UdpLoad("udp-bursts", "UDP, bursts, 16 clients", ("--clients", "16", "--burst", "16", "--bytes", "1200")),
)


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class UdpWeir(Weir):
    def configuration(self, more_listener="", more_pools=""):
        self.udp_port, self.responses_port = free_udp_port(), free_udp_port()
        backends = ", ".join(f'"127.0.0.1:{port}"' for port in self.echoes)
        return f"""
workers: 1
admin: {{listen: "127.0.0.1:{self.admin_port}"}}
store: {{type: memory}}
access_log: off
listeners:
  - {{name: ready, address: "127.0.0.1:{self.port}", routes: [{{respond: 200}}]}}
  - name: udp
    address: 127.0.0.1:{self.udp_port}
    protocol: udp
    pool: echoes
    udp: {{receive_buffer: 4MB}}
  - name: responses
    address: 127.0.0.1:{self.responses_port}
    protocol: udp
    pool: echoes
    udp: {{expected_responses: 1, receive_buffer: 4MB}}
pools:
  - {{name: echoes, health_check: off, backends: [{backends}]}}
"""


class UdpNginx(Nginx):
    def command(self):
        self.udp_port, self.responses_port = free_udp_port(), free_udp_port()
        servers = " ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in self.echoes)
        config = self.write(
            "nginx.conf",
            f"""
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
worker_processes 1;
daemon off;
pid {self.folder}/nginx.pid;
error_log stderr error;
worker_rlimit_nofile 20000;
events {{ worker_connections 16000; use epoll; accept_mutex off; multi_accept on; }}
http {{ access_log off; server {{ listen 127.0.0.1:{self.port}; return 200; }} }}
stream {{
  access_log off;
  upstream echoes {{ {servers} }}
  server {{ listen 127.0.0.1:{self.udp_port} udp rcvbuf=4m; proxy_pass echoes; proxy_timeout 60s; proxy_buffer_size 64k; }}
  server {{ listen 127.0.0.1:{self.responses_port} udp rcvbuf=4m; proxy_pass echoes; proxy_responses 1; proxy_timeout 60s; }}
}}
""",
        )
        return ["nginx", "-p", str(self.folder), "-e", "stderr", "-c", config]


PROXIES = with_before({"weir": UdpWeir, "nginx": UdpNginx})


class Generator:
    """Runs bench_udp in place of bench_load."""

    def __init__(self, program):
        self.program = program

    def run(self, port, *arguments):
        command = [self.program, "load", str(port), *map(str, arguments)]
        done = subprocess.run(command, stdout=subprocess.PIPE, preexec_fn=pinned(LOAD_CORE), check=False, timeout=300)
        if done.returncode != 0:
            raise RuntimeError(f"bench_udp ended with {done.returncode}")
        return json.loads(done.stdout)


class Datagrams:
    def __init__(self, folder, tools, names):
        self.generator = Generator(f"{tools}/bench_udp")
        ports = [free_udp_port(), free_udp_port()]
        self.echo = subprocess.Popen(
            [f"{tools}/bench_udp", "echo", *map(str, ports)], stdout=subprocess.PIPE, preexec_fn=pinned(LOAD_CORE)
        )
        if self.echo.stdout.readline() != b"ready\n":
            raise RuntimeError("the benchmark's UDP echo did not start")
        self.proxies = []
        for name in names:
            if name not in PROXIES:
                continue
            place = pathlib.Path(folder) / f"udp-{name}"
            place.mkdir()
            kind = type(PROXIES[name].__name__, (PROXIES[name],), {"echoes": ports})
            self.proxies.append(kind(place, []))
        time.sleep(0.2)

    def stop(self):
        self.echo.terminate()
        self.echo.wait()

    def pids(self):
        return [self.echo.pid, *(pid for proxy in self.proxies for pid in proxy.pids())]

    def loads(self, arguments, only, progress):
        results = []
        for load in LOADS:
            if load.name not in only:
                continue
            samples = {proxy.name: [] for proxy in self.proxies}
            for _ in range(arguments.rounds):
                for proxy in self.proxies:
                    progress(f"{load.title}: {proxy.name}")
                    port = proxy.responses_port if load.responses else proxy.udp_port
                    samples[proxy.name].append(
                        measure.measure_load(self.generator, proxy, load, arguments.seconds, arguments.warmup, port)
                    )
            results.append((load.title, {name: measure.join(taken) for name, taken in samples.items()}))
        return results
