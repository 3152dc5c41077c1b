"""A small world that goes wrong in every way at once, by a seed: backends that fail, a Weir that is reconfigured, clients
that leave, and clients that check each answer."""

import asyncio
import collections
import contextlib
import copy
import hashlib
import random
import time

import faults
from h2_client import H2Client
from h2_origin import H2Origin
from origin import Origin
from tcp_backend import TcpBackend
from waiting import PATIENCE, background, free_port
from weir import HEALTH_CHECK

# A client that waits longer has been forgotten.
LONGEST = 20 * PATIENCE
# What Weir answers itself while nobody else can. 500 is a backend's own.
OWN_ERRORS = {502, 503, 504}


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16].encode()


async def say_what_came(exchange):
    """An answer that belongs to this request alone."""
    body = await exchange.read_body()
    await exchange.respond(body=f"{exchange.request.method} {exchange.request.target} ".encode() + digest(body))


async def say_what_came_h2(call):
    body = await call.read_body()
    await call.respond(body=f"{call.get(':method')} {call.path} ".encode() + digest(body))


async def echo_lines(connection):
    while line := await connection.reader.readline():
        await connection.send(b"you said " + line)


class Tally:
    """What clients have seen. `wrong`: what must never be."""

    def __init__(self):
        self.good = collections.Counter()
        self.errors = collections.Counter()
        self.wrong = []

    def errors_of(self, kind):
        return sum(count for (of, _), count in self.errors.items() if of == kind)


class World:
    """Everything around Weir. Its coroutines run on the background's loop."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        # The first of each kind is always well: what may be sent again has a place to go.
        self.web = [Origin(f"web-{i}", say_what_came) for i in range(4)]
        self.h2 = [H2Origin(f"h2-{i}", say_what_came_h2) for i in range(2)]
        self.tcp = [TcpBackend(f"tcp-{i}", echo_lines) for i in range(2)]
        self.web_port, self.tcp_port = free_port(), free_port()
        self.tally = Tally()
        self.serial = 0
        self.ending = False
        self.log = []

    def start(self):
        for backend in (*self.web, *self.h2, *self.tcp):
            backend.start()
        return self

    def stop(self):
        for backend in (*self.web, *self.h2, *self.tcp):
            backend.stop()

    def config(self):
        def backends(of):
            return [{"id": b.name, "host": "127.0.0.1", "port": b.port} for b in of]

        check = dict(HEALTH_CHECK)
        tcp_check = {**{k: v for k, v in check.items() if k != "path"}, "type": "tcp"}
        timeouts = {"connect": f"{PATIENCE}s", "response": f"{2 * PATIENCE}s", "body": f"{2 * PATIENCE}s"}
        return {
            "workers": 2, "drain_timeout": "2s", "store": {"type": "memory"}, "timeouts": timeouts,
            "listeners": [
                {"name": "web", "address": f"127.0.0.1:{self.web_port}", "protocol": "http", "http2": True, "pool": "web",
                 "routes": [{"match": {"path_prefix": "/h2"}, "pool": "h2"}]},
                {"name": "tcp", "address": f"127.0.0.1:{self.tcp_port}", "protocol": "tcp", "pool": "tcp"}],
            "pools": [
                {"name": "web", "health_check": check, "backends": backends(self.web)},
                {"name": "h2", "protocol": "h2", "health_check": tcp_check, "backends": backends(self.h2)},
                {"name": "tcp", "health_check": tcp_check, "backends": backends(self.tcp)}],
        }

    def new_serial(self):
        self.serial += 1
        return self.serial

    # ---- clients ----

    def verdict(self, kind, status, body, expected):
        if status == 200 and body == expected:
            self.tally.good[kind] += 1
        elif status in OWN_ERRORS or (status == 500 and body.startswith(b"web-")):
            self.tally.errors[kind, status] += 1
        else:
            self.tally.wrong.append(f"{kind}: {status} {body[:80]!r} where {expected!r} was due")

    def broken(self, kind, why):
        self.tally.errors[kind, why] += 1

    async def read_response(self, reader):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(head[9:12])
        if status < 200:
            return await self.read_response(reader)
        length = int(head.partition("content-length:")[2].partition("\r\n")[0] or 0)
        return status, await reader.readexactly(length), "connection: close" in head

    async def h1_client(self, kind, method="GET", body_bytes=0, fresh=False):
        """One request after the other, on a connection that is kept unless `fresh`."""
        reader = writer = None
        while not self.ending:
            target = f"/{kind}/{self.new_serial()}"
            body = self.rng.randbytes(body_bytes)
            try:
                async with asyncio.timeout(LONGEST):
                    if writer is None:
                        reader, writer = await asyncio.open_connection("127.0.0.1", self.web_port)
                    head = f"{method} {target} HTTP/1.1\r\nHost: chaos\r\nContent-Length: {len(body)}\r\n\r\n"
                    writer.write(head.encode())
                    for at in range(0, len(body), 10_000):
                        writer.write(body[at:at + 10_000])
                        await writer.drain()
                    status, answer, close = await self.read_response(reader)
                self.verdict(kind, status, answer, f"{method} {target} ".encode() + digest(body))
            except TimeoutError:
                self.tally.wrong.append(f"{kind}: no answer to {method} {target} within {LONGEST} s")
                close = True
            except (OSError, asyncio.IncompleteReadError):
                self.broken(kind, "connection ended")
                close = True
            if close or fresh:
                if writer is not None:
                    writer.close()
                writer = None
            await asyncio.sleep(0.002)
        if writer is not None:
            writer.close()

    async def leaving_client(self):
        """Leaves in the middle: of the head, of the body, while the answer is on its way."""
        while not self.ending:
            await asyncio.sleep(0.01)
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.web_port)
                request = b"PUT /leaving HTTP/1.1\r\nHost: chaos\r\nContent-Length: 50000\r\n\r\n" + bytes(50_000)
                writer.write(request[:self.rng.choice([20, 60, 5_000, len(request)])])
                await asyncio.sleep(self.rng.choice([0, 0.001, 0.02]))
                if self.rng.random() < 0.5:
                    writer.transport.abort()
                writer.close()

    async def h2_client(self, kind, path):
        """Several streams at a time on one connection."""
        while not self.ending:
            client = H2Client("127.0.0.1", self.web_port)
            try:
                async with asyncio.timeout(LONGEST):
                    await client.connect()
                await asyncio.gather(*(self.h2_streams(client, kind, path) for _ in range(4)))
            except TimeoutError:
                self.tally.wrong.append(f"{kind}: no connection within {LONGEST} s")
            except OSError:
                self.broken(kind, "connection ended")
            finally:
                client.close()
            await asyncio.sleep(0.01)

    async def h2_streams(self, client, kind, path):
        while not self.ending and client.is_open:
            target = f"{path}/{self.new_serial()}"
            try:
                async with asyncio.timeout(LONGEST):
                    status, answer = await client.request("GET", target)
                self.verdict(kind, status, answer, f"GET {target} ".encode() + digest(b""))
            except TimeoutError:
                self.tally.wrong.append(f"{kind}: no answer to {target} within {LONGEST} s")
                client.close()
            except ConnectionError:
                self.broken(kind, "stream or connection ended")
            await asyncio.sleep(0.005)

    async def tcp_client(self):
        while not self.ending:
            line = f"line {self.new_serial()}\n".encode()
            try:
                async with asyncio.timeout(LONGEST):
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.tcp_port)
                    writer.write(line)
                    answer = await reader.readline()
                writer.close()
                if answer == b"you said " + line:
                    self.tally.good["tcp"] += 1
                elif b"you said " + line != answer and not answer.endswith(b"\n"):
                    self.broken("tcp", "connection ended")
                else:
                    self.tally.wrong.append(f"tcp: {answer!r} to {line!r}")
            except TimeoutError:
                self.tally.wrong.append(f"tcp: no answer to {line!r} within {LONGEST} s")
            except OSError:
                self.broken("tcp", "connection ended")
            await asyncio.sleep(0.005)

    def clients(self):
        return [*(self.h1_client("kept") for _ in range(4)), *(self.h1_client("fresh", fresh=True) for _ in range(2)),
                self.h1_client("post", "POST", 200), self.h1_client("put", "PUT", 40_000), self.leaving_client(),
                *(self.h2_client("h2-web", "/web") for _ in range(2)), self.h2_client("h2-h2", "/h2"),
                *(self.tcp_client() for _ in range(2))]

    async def serve_clients(self, seconds):
        """All clients for so long."""
        self.ending = False
        running = [asyncio.create_task(client) for client in self.clients()]
        await asyncio.sleep(seconds)
        self.ending = True
        await asyncio.wait_for(asyncio.gather(*running), 2 * LONGEST)

    # ---- what goes wrong ----

    def say(self, what):
        self.log.append(f"{time.monotonic():.3f} {what}")

    async def fault_of_web(self):
        origin = self.rng.choice(self.web[1:])
        kind = self.rng.choice(["crash", "behave", "behave", "probes"])
        for_seconds = self.rng.uniform(0.05, 1.5)
        if kind == "crash":
            self.say(f"{origin.name} crashes for {for_seconds:.2f} s")
            await origin._stop()
            await asyncio.sleep(for_seconds)
            await origin._start()
        elif kind == "probes":
            self.say(f"{origin.name} fails its probes for {for_seconds:.2f} s")
            origin.healthy = False
            await asyncio.sleep(for_seconds)
            origin.healthy = True
        else:
            behave = self.rng.choice([*faults.BEFORE_THE_BODY, *faults.IN_THE_BODY, faults.hang, faults.hang_in_head,
                                      faults.status(503), faults.status(500), faults.slow(0.05, say_what_came, self.rng),
                                      faults.flapping(3, 2, say_what_came)])
            self.say(f"{origin.name}: {behave.__qualname__} for {for_seconds:.2f} s")
            origin.behave = behave
            await asyncio.sleep(for_seconds)
            origin.behave = say_what_came

    async def fault_of_h2(self):
        origin = self.h2[1]
        self.say(f"{origin.name} is away")
        await origin._stop()
        await asyncio.sleep(self.rng.uniform(0.05, 1))
        await origin._start()

    async def fault_of_tcp(self):
        backend = self.tcp[1]
        self.say(f"{backend.name} resets what it has")
        for connection in list(backend.open):
            connection.reset()

    async def go_wrong(self, seconds, change):
        """Faults, and now and then `change(rng)`, which reconfigures Weir."""
        end = time.monotonic() + seconds
        under_way = {}
        while time.monotonic() < end:
            await asyncio.sleep(self.rng.uniform(0.02, 0.3))
            what = self.rng.choice(["web"] * 5 + ["h2", "tcp", "change", "change"])
            if what in under_way and not under_way[what].done():
                continue
            if what == "change":
                under_way[what] = asyncio.create_task(asyncio.to_thread(change, self.rng))
            else:
                under_way[what] = asyncio.create_task(getattr(self, f"fault_of_{what}")())
        await asyncio.gather(*under_way.values())


class Operator:
    """Changes everything that may change under traffic."""

    def __init__(self, weir, world):
        self.weir, self.world = weir, world

    def change(self, rng):
        backend = rng.choice(self.world.web[1:]).name
        act = rng.choice(["reload", "reload", "weight", "drain", "disable", "enable", "algorithm", "object"])
        self.world.say(f"operator: {act} {backend}")
        if act == "reload":
            self.reload(rng)
        elif act == "weight":
            self.ask("PATCH", f"/backends/{backend}?pool=web", {"weight": rng.randint(1, 5)})
        elif act in ("drain", "disable", "enable"):
            self.ask("POST", f"/backends/{backend}/{act}?pool=web")
            if act != "enable":
                time.sleep(rng.uniform(0, 0.3))
                self.ask("POST", f"/backends/{backend}/enable?pool=web")
        elif act == "algorithm":
            self.ask("PUT", "/config/algorithm",
                     {"algorithm": rng.choice(["round_robin", "p2c", "least_response_time", "random"]), "pool": "extra"})
        else:
            self.ask("PUT", "/pools/extra", {"name": "extra", "health_check": {"type": "tcp"}})

    def ask(self, method, path, body=None):
        answer = self.weir.admin(method, path, body)
        if answer.status >= 500:
            self.world.tally.wrong.append(f"admin: {method} {path} said {answer.status} {answer.text[:200]}")

    def reload(self, rng):
        config = copy.deepcopy(self.world.config())
        pool = config["pools"][0]
        pool["algorithm"] = rng.choice(["round_robin", "least_connections", "p2c", "maglev", "weighted_round_robin"])
        if rng.random() < 0.4:
            del pool["backends"][rng.randint(1, 3)]
        config["listeners"][0]["limits"] = {"header_count": rng.choice([50, 100])}
        self.weir.reload(config)

    def calm(self):
        """As it was at the start."""
        self.weir.reload(self.world.config())
        for origin in self.world.web:
            self.ask("POST", f"/backends/{origin.name}/enable?pool=web")
