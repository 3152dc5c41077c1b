"""TLS and HTTP/2 side by side: the same three proxies with a listener for each.

Loads over HTTP/1.1 come from bench_load, those over HTTP/2 from h2load; behind the proxies is the same plain HTTP/1.1
backend, for "HTTP/2 to HTTP/2" nghttpd. nginx 1.22 does not speak HTTP/2 to backends and is left out there."""

import dataclasses
import math
import pathlib
import re
import statistics
import subprocess
import tempfile

import measure
from peers import LOAD_CORE, Haproxy, Nginx, Weir, cpu_seconds, free_port, pinned, wait_for_port, with_before

NOTE = (
    "TLS 1.3, ECDSA P-256, plain HTTP/1.1 to the backends. HTTP/2 by h2load: 8 connections, 32 streams each; its CPU "
    "counts the handshakes of the connections too. Resumed handshakes are by ticket."
)


@dataclasses.dataclass(frozen=True)
class SecureLoad:
    name: str
    title: str
    port: str  # the proxy's attribute
    arguments: tuple
    h2: bool = False


LOADS = (
    SecureLoad("tls64", "TLS keep-alive, 64 connections", "tls_port", ("--connections", "64", "--tls")),
    SecureLoad("tls-64k", "64 KB bodies over TLS, 64 connections", "tls_port",
               ("--connections", "64", "--tls", "--path", "/64k")),
    SecureLoad("handshake", "TLS, a full handshake per request", "tls_port",
               ("--connections", "32", "--tls", "--close")),
    SecureLoad("resumed", "TLS, a resumed handshake per request", "tls_port",
               ("--connections", "32", "--tls", "--close", "--resume")),
    SecureLoad("h2", "HTTP/2 over TLS", "tls_port", ("-c", "8", "-m", "32"), h2=True),
    SecureLoad("h2-h2", "HTTP/2 over TLS to HTTP/2", "h2_port", ("-c", "8", "-m", "32"), h2=True),
)


class Certificate:
    """A key and a self-signed certificate for localhost in `folder`; haproxy wants both in one file."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.key, self.cert, self.both = (str(folder / name) for name in ("key.pem", "cert.pem", "both.pem"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", self.key, "-out", self.cert],
            check=True, capture_output=True,
        )
        pathlib.Path(self.both).write_text(pathlib.Path(self.cert).read_text() + pathlib.Path(self.key).read_text())


class SecureWeir(Weir):
    def configuration(self, more_listener="", more_pools=""):
        self.tls_port, self.h2_port = free_port(), free_port()
        tls = f"{{certificates: [{{cert: {self.certificate.cert}, key: {self.certificate.key}}}]}}"
        more = "\n".join(
            f"  - name: {name}\n    address: 127.0.0.1:{port}\n    protocol: https\n    tls: {tls}\n    pool: {pool}"
            for name, port, pool in (("tls", self.tls_port, "origin"), ("h2", self.h2_port, "h2"))
        )
        pool = (
            "  - name: h2\n    protocol: h2\n    algorithm: round_robin\n    health_check: {type: tcp, interval: 10s}\n"
            f"    backends: [{{host: 127.0.0.1, port: {self.h2_backend}}}]"
        )
        return super().configuration(more, pool)


class SecureHaproxy(Haproxy):
    def extra(self):
        self.tls_port, self.h2_port = free_port(), free_port()
        bind = f"ssl crt {self.certificate.both} alpn h2,http/1.1 ssl-min-ver TLSv1.2"
        return f"""
frontend tls
  bind 127.0.0.1:{self.tls_port} backlog 4096 {bind}
  default_backend origin
frontend h2
  bind 127.0.0.1:{self.h2_port} backlog 4096 {bind}
  default_backend h2
backend h2
  server h 127.0.0.1:{self.h2_backend} proto h2
"""


class SecureNginx(Nginx):
    h2_port = None

    def extra(self):
        self.tls_port = free_port()
        return f"""
  server {{
    listen 127.0.0.1:{self.tls_port} ssl http2 backlog=4096;
    ssl_certificate {self.certificate.cert};
    ssl_certificate_key {self.certificate.key};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache off;
    ssl_session_tickets on;
    http2_max_requests 1000000000;
    http2_max_concurrent_streams 256;
    {self.location()}
  }}
"""


SECURE_PROXIES = with_before({proxy.name: proxy for proxy in (SecureWeir, SecureHaproxy, SecureNginx)})


class H2Backend:
    """nghttpd without TLS, with an empty file, beside the load generator."""

    def __init__(self, folder):
        (pathlib.Path(folder) / "0").write_bytes(b"")
        self.port = free_port()
        self.process = subprocess.Popen(
            ["nghttpd", "--no-tls", "-n1", "-d", str(folder), "--address=127.0.0.1", str(self.port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=pinned(LOAD_CORE),
        )
        wait_for_port(self.port, self.process, "nghttpd")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, math.ceil(len(ordered) * share) - 1)] if ordered else 0.0


def measure_h2(proxy, load, port, seconds):
    with tempfile.NamedTemporaryFile() as log:
        before = sum(map(cpu_seconds, proxy.pids()))
        run = subprocess.run(
            ["h2load", "-D", str(seconds), f"--log-file={log.name}", *load.arguments,
             f"https://127.0.0.1:{port}/0"],
            capture_output=True, text=True, preexec_fn=pinned(LOAD_CORE),
        )
        cpu = sum(map(cpu_seconds, proxy.pids())) - before
        lines = [line.split("\t") for line in pathlib.Path(log.name).read_text().splitlines()]
    done = re.search(r"requests: \d+ total, \d+ started, \d+ done, (\d+) succeeded, (\d+) failed", run.stdout)
    took = re.search(r"finished in ([0-9.]+)(ms|s|us)", run.stdout)
    if not done or not took or int(done[1]) == 0:
        raise RuntimeError(f"{proxy.name}: h2load says {run.stdout[-500:]}{run.stderr[-500:]}")
    elapsed = float(took[1]) * {"s": 1, "ms": 1e-3, "us": 1e-6}[took[2]]
    times = sorted(float(line[2]) for line in lines if line[1] == "200")
    requests = int(done[1])
    return measure.Sample(
        per_second=requests / elapsed, cpu_us=cpu / requests * 1e6, core_share=cpu / elapsed,
        p50_us=percentile(times, 0.5), p99_us=percentile(times, 0.99), failures=int(done[2]),
    )


class Secure:
    """The proxies with TLS, running; stop() ends them."""

    def __init__(self, folder, origin, names):
        self.folder = pathlib.Path(folder) / "secure"
        self.folder.mkdir()
        self.folder.chmod(0o755)
        certificate = Certificate(self.folder)
        www = self.folder / "www"
        www.mkdir()
        self.h2_backend = H2Backend(www)
        self.proxies = []
        for name in names:
            home = self.folder / name
            home.mkdir()
            made = type(name, (SECURE_PROXIES[name],),
                        {"certificate": certificate, "h2_backend": self.h2_backend.port})
            self.proxies.append(made(home, origin.ports))

    def stop(self):
        self.h2_backend.stop()

    def pids(self):
        return [self.h2_backend.process.pid, *(pid for proxy in self.proxies for pid in proxy.pids())]

    def loads(self, generator, arguments, only, progress):
        results = []
        for load in LOADS:
            if load.name not in only:
                continue
            able = [proxy for proxy in self.proxies if getattr(proxy, load.port) is not None]
            samples = {proxy.name: [] for proxy in able}
            for _ in range(arguments.rounds):
                for proxy in able:
                    progress(f"{load.title}: {proxy.name}")
                    port = getattr(proxy, load.port)
                    if load.h2:
                        sample = measure_h2(proxy, load, port, max(1, round(arguments.seconds)))
                    else:
                        sample = measure.measure_load(generator, proxy, load, arguments.seconds, arguments.warmup, port)
                    samples[proxy.name].append(sample)
            results.append((load.title, {name: measure.join(taken) for name, taken in samples.items()}))
        return results

    def memory(self, generator, progress):
        """Bytes per idle TLS connection that has had one request, per proxy."""
        figures = {}
        for proxy in self.proxies:
            progress(f"idle TLS connections: {proxy.name}")
            figures[proxy.name] = measure.measure_idle_memory(generator, proxy, 2000, proxy.tls_port, ("--tls",))
        return figures
