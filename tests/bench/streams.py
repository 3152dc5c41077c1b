"""TCP side by side: Weir (tcp), haproxy (tcp) and nginx (stream) in front of the same two backends, which get the same
requests as in the HTTP comparison: to the proxies they are bytes."""

import os
import pathlib

import measure
from measure import LoadKind
from peers import Haproxy, Nginx, Proxy, Weir, with_before
from report import FLOOR

NOTE = (
    "The proxies relay TCP and do not look at it. Small messages: a request of 73 bytes and an answer of 109. haproxy "
    "splices where it finds that worth while (`option splice-auto`), nginx copies through a buffer of 64 KB. The floor "
    "(`tests/bench/floor.cc`) does one recv and one send a message in a bare epoll loop and nothing else: nobody who "
    "relays small messages with epoll costs less."
)
LOADS = (
    LoadKind("tcp-small", "TCP, small messages, 64 connections", ("--connections", "64")),
    LoadKind("tcp-64k", "TCP, 64 KB at a time, 64 connections", ("--connections", "64", "--path", "/64k")),
    LoadKind("tcp-1m", "TCP, 1 MB at a time, 64 connections", ("--connections", "64", "--path", "/1m")),
    LoadKind("tcp-new", "TCP, new connections, 64 at a time", ("--connections", "64", "--close")),
)


class TcpWeir(Weir):
    def configuration(self, more_listener="", more_pools=""):
        return super().configuration(more_listener, more_pools).replace("protocol: http", "protocol: tcp")


class TcpHaproxy(Haproxy):
    def write(self, name, text):
        for line in ("  option http-keep-alive\n", "  http-reuse always\n", "  timeout http-keep-alive 1h\n"):
            text = text.replace(line, "")
        return super().write(name, text.replace("mode http", "mode tcp"))


class TcpNginx(Nginx):
    def command(self):
        servers = " ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in self.backends)
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
stream {{
  access_log off;
  tcp_nodelay on;
  upstream origin {{ {servers} }}
  server {{ listen 127.0.0.1:{self.port} backlog=4096; proxy_pass origin; proxy_buffer_size 64k; proxy_timeout 1h; }}
}}
""",
        )
        return ["nginx", "-p", str(self.folder), "-e", "stderr", "-c", config]


class Floor(Proxy):
    name = FLOOR
    tools = ""

    def command(self):
        return [os.path.abspath(f"{self.tools}/bench_floor"), str(self.port), *map(str, self.backends)]


PROXIES = with_before({"weir": TcpWeir, "haproxy": TcpHaproxy, "nginx": TcpNginx})
# What the floor is made for.
FLOOR_LOADS = ("tcp-small",)


class Streams:
    def __init__(self, folder, tools, origin, names):
        self.proxies = []
        Floor.tools = tools
        for name in [*names, FLOOR]:
            place = pathlib.Path(folder) / f"tcp-{name}"
            place.mkdir()
            self.proxies.append((Floor if name == FLOOR else PROXIES[name])(place, origin.ports))

    def pids(self):
        return [pid for proxy in self.proxies for pid in proxy.pids()]

    def loads(self, generator, arguments, only, progress):
        results = []
        for load in LOADS:
            if load.name not in only:
                continue
            proxies = [proxy for proxy in self.proxies if proxy.name != FLOOR or load.name in FLOOR_LOADS]
            samples = {proxy.name: [] for proxy in proxies}
            for _ in range(arguments.rounds):
                for proxy in proxies:
                    progress(f"{load.title}: {proxy.name}")
                    sample = measure.measure_load(generator, proxy, load, arguments.seconds, arguments.warmup)
                    samples[proxy.name].append(sample)
            results.append((load.title, {name: measure.join(taken) for name, taken in samples.items()}))
        return results
