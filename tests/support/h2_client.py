"""A client of HTTP/2 by prior knowledge on an event loop, with Python's h2: several requests at a time."""

import asyncio

import h2.config
import h2.connection
import h2.events
import h2.exceptions


class H2Client(asyncio.Protocol):
    def __init__(self, host, port):
        self.host, self.port = host, port
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.transport = None
        self.is_open = False
        self.answers = {}  # by stream: [status, body, future]

    async def connect(self):
        await asyncio.get_running_loop().create_connection(lambda: self, self.host, self.port)

    def connection_made(self, transport):
        self.transport = transport
        self.is_open = True
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        self.transport.write(self.h2.data_to_send())

    def close(self):
        self.is_open = False
        if self.transport is not None:
            self.transport.abort()

    def connection_lost(self, _):
        self.is_open = False
        for stream in list(self.answers):
            self.end(stream, ConnectionError("the connection ended"))

    def end(self, stream, error=None):
        status, body, answer = self.answers.pop(stream, (None, None, None))
        if answer is None or answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result((status, bytes(body)))

    def data_received(self, data):
        try:
            events = self.h2.receive_data(data)
        except h2.exceptions.ProtocolError as error:
            raise AssertionError(f"the proxy broke HTTP/2: {error!r}") from error
        for event in events:
            stream = getattr(event, "stream_id", None)
            if isinstance(event, h2.events.ResponseReceived) and stream in self.answers:
                self.answers[stream][0] = int(dict(event.headers)[":status"])
            elif isinstance(event, h2.events.DataReceived):
                if stream in self.answers:
                    self.answers[stream][1] += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
            elif isinstance(event, h2.events.StreamEnded):
                self.end(stream)
            elif isinstance(event, h2.events.StreamReset):
                self.end(stream, ConnectionError(f"the stream was reset: {event.error_code}"))
            elif isinstance(event, h2.events.ConnectionTerminated):
                self.is_open = False  # for further requests; those under way may still be answered
        self.flush()

    async def request(self, method, path):
        """Status and body. ConnectionError: the stream or the connection ended before."""
        if not self.is_open:
            raise ConnectionError("the connection is not open")
        stream = self.h2.get_next_available_stream_id()
        answer = asyncio.get_running_loop().create_future()
        self.answers[stream] = [None, bytearray(), answer]
        head = [(":method", method), (":scheme", "http"), (":authority", "chaos"), (":path", path)]
        self.h2.send_headers(stream, head, end_stream=True)
        self.flush()
        return await answer
