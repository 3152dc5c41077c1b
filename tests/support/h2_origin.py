"""A backend that speaks HTTP/2 by prior knowledge, with Python's h2: what it answers the test decides, by stream."""

import asyncio
import dataclasses

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
from hyperframe.frame import GoAwayFrame

from waiting import background, free_port


@dataclasses.dataclass
class Call:
    """One stream; what a behaviour works with."""

    origin: object
    peer: object
    stream: int
    headers: list
    body: bytes = b""
    trailers: list = dataclasses.field(default_factory=list)

    def __post_init__(self):
        self.ended = asyncio.Event()
        self.reset = None
        self.fresh = asyncio.Event()

    def get(self, name):
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f"{name} is repeated: {values}"
        return values[0] if values else None

    @property
    def path(self):
        return self.get(":path")

    async def read_body(self):
        await self.ended.wait()
        return self.body

    async def next_data(self):
        """Bytes that have come since the last call; b"" at the end."""
        while not self.body and not self.ended.is_set():
            self.fresh.clear()
            await self.fresh.wait()
        data, self.body = self.body, b""
        return data

    async def send_headers(self, headers, end_stream=False):
        self.peer.h2.send_headers(self.stream, headers, end_stream=end_stream)
        await self.peer.flush()

    async def send(self, data, end_stream=False):
        while data:
            room = min(self.peer.h2.local_flow_control_window(self.stream), self.peer.h2.max_outbound_frame_size)
            if room <= 0:
                self.peer.window.clear()
                await self.peer.window.wait()
                continue
            self.peer.h2.send_data(self.stream, data[:room])
            data = data[room:]
            await self.peer.flush()
        if end_stream:
            self.peer.h2.end_stream(self.stream)
            await self.peer.flush()

    async def respond(self, status=200, body=b"", headers=(), trailers=()):
        await self.read_body()
        await self.send_headers([(":status", str(status)), ("x-backend", self.origin.name), *headers],
                                end_stream=not body and not trailers)
        if body:
            await self.send(body, end_stream=not trailers)
        if trailers:
            await self.send_headers(list(trailers), end_stream=True)


class Peer(asyncio.Protocol):
    def __init__(self, origin):
        self.origin = origin
        self.calls = {}
        self.tasks = set()
        self.window = asyncio.Event()

    def connection_made(self, transport):
        self.transport = transport
        self.origin.peers.append(self)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values=self.origin.settings)
        self.h2.initiate_connection()
        self.transport.write(self.h2.data_to_send())

    async def flush(self):
        self.transport.write(self.h2.data_to_send())

    def connection_lost(self, _):
        self.origin.lost += 1
        for call in self.calls.values():
            call.ended.set()
            call.fresh.set()
        for task in self.tasks:
            task.cancel()

    def data_received(self, data):
        try:
            events = self.h2.receive_data(data)
        except h2.exceptions.ProtocolError as error:
            self.origin.faults.append(f"the proxy broke HTTP/2: {error!r}")
            self.transport.write(self.h2.data_to_send())
            return self.transport.close()
        for event in events:
            self.on_event(event)
        self.transport.write(self.h2.data_to_send())

    def on_event(self, event):
        call = self.calls.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.RequestReceived):
            call = Call(self.origin, self, event.stream_id, event.headers)
            self.calls[event.stream_id] = call
            self.origin.calls.append(call)
            task = asyncio.get_event_loop().create_task(self.serve(call))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        elif isinstance(event, h2.events.DataReceived):
            call.body += event.data
            call.fresh.set()
            if event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            call.trailers = event.headers
        elif isinstance(event, h2.events.StreamEnded):
            call.ended.set()
            call.fresh.set()
        elif isinstance(event, h2.events.StreamReset):
            call.reset = event.error_code
            call.ended.set()
            call.fresh.set()
        elif isinstance(event, (h2.events.WindowUpdated, h2.events.RemoteSettingsChanged)):
            self.window.set()
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.origin.goaways.append(event.error_code)

    async def serve(self, call):
        try:
            await self.origin.behave(call)
        except (h2.exceptions.StreamClosedError, h2.exceptions.ProtocolError):
            pass  # the stream or the connection has gone meanwhile
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 a test's teardown asserts that there is none
            self.origin.faults.append(repr(error))


async def say_name(call):
    await call.respond(body=call.origin.name.encode())


class H2Origin:
    """Like Origin, over HTTP/2. `settings` are SETTINGS by their codes."""

    def __init__(self, name="h2", behave=say_name, settings=None, tls=None):
        self.name, self.behave, self.host, self.port = name, behave, "127.0.0.1", free_port()
        self.settings, self.tls = {**(settings or {})}, tls
        self.peers, self.calls, self.faults, self.goaways = [], [], [], []
        self.lost = 0
        self.server = None

    def start(self):
        background.run(self._start())
        return self

    async def _start(self):
        loop = asyncio.get_event_loop()
        self.server = await loop.create_server(self.protocol, self.host, self.port, reuse_address=True,
                                               ssl=self.tls)

    def protocol(self):
        """What answers on one connection."""
        return Peer(self)

    def stop(self):
        background.run(self._stop())

    async def _stop(self):
        self.server.close()
        for peer in self.peers:
            peer.transport.abort()

    @property
    def open_connections(self):
        return len(self.peers) - self.lost

    def goaway(self, last_stream=None):
        """Every connection says GOAWAY; streams above `last_stream` were not looked at."""

        async def say():
            for peer in self.peers:
                # By hand: for the h2 package nothing may follow a GOAWAY, not even what was under way.
                peer.transport.write(GoAwayFrame(last_stream_id=last_stream or 0).serialize())

        background.run(say())
