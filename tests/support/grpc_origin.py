"""A gRPC backend with grpcio; messages are plain bytes."""

import time
from concurrent import futures

import grpc

from waiting import free_port


class GrpcOrigin:
    """Service test.Echo: One, Split (a response for each byte), Join (one for many), Both, Fail (grpc-status by the
    request), Slow (waits for as many seconds)."""

    host = "127.0.0.1"

    def __init__(self, name, pair=None):
        """`pair`: its certificate and key, for TLS."""
        self.credentials = None
        if pair:
            self.credentials = grpc.ssl_server_credentials([(pair.key.read_bytes(), pair.cert.read_bytes())])
        self.name, self.port, self.calls, self.cancelled = name, free_port(), [], []
        self.serving = {"": 1}

    def start(self):
        self.server = grpc.server(futures.ThreadPoolExecutor(16))
        unary, stream = grpc.unary_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
        self.server.add_generic_rpc_handlers((
            grpc.method_handlers_generic_handler("test.Echo", {
                "One": unary(self.one), "Fail": unary(self.fail), "Slow": unary(self.slow),
                "Split": grpc.unary_stream_rpc_method_handler(self.split),
                "Join": grpc.stream_unary_rpc_method_handler(self.join), "Both": stream(self.both)}),
            grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": unary(self.check)})))
        place = f"{self.host}:{self.port}"
        if self.credentials:
            assert self.server.add_secure_port(place, self.credentials) == self.port
        else:
            assert self.server.add_insecure_port(place) == self.port
        self.server.start()
        return self

    def stop(self):
        self.server.stop(0).wait()

    def note(self, context):
        self.calls.append(dict(context.invocation_metadata()))
        context.set_trailing_metadata((("x-backend", self.name), ("x-count", str(len(self.calls)))))

    def one(self, request, context):
        self.note(context)
        context.send_initial_metadata((("x-first", "yes"),))
        return request

    def split(self, request, context):
        self.note(context)
        for byte in request:
            yield bytes([byte])

    def join(self, requests, context):
        self.note(context)
        return b"".join(requests)

    def both(self, requests, context):
        self.note(context)
        for request in requests:
            yield request.upper()

    def fail(self, request, context):
        self.note(context)
        context.abort(list(grpc.StatusCode)[int(request)], "as asked for")

    def slow(self, request, context):
        self.note(context)
        end = time.monotonic() + float(request)
        while time.monotonic() < end and context.is_active():
            time.sleep(0.01)
        if not context.is_active():
            self.cancelled.append(True)
        return b"late"

    def check(self, request, context):
        service = request[2:].decode()
        if service not in self.serving:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        return b"\x08" + bytes([self.serving[service]])
