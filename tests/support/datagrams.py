"""Backends and clients of UDP: an echo that says who it is, and configurations around it."""

import contextlib
import socket
import threading

from waiting import PATIENCE, free_port


def udp_port():
    return free_port(kind=socket.SOCK_DGRAM)


class Echo:
    """Answers every datagram with `<name> <the datagram>`, or as answer(datagram, who) says: a list of datagrams."""

    def __init__(self, name, answer=None, host="127.0.0.1", port=None):
        self.name = name
        self.host = host
        self.answer = answer or (lambda datagram: [name.encode() + b" " + datagram])
        self.port = port or free_port(kind=socket.SOCK_DGRAM)
        self.received = []  # (datagram, from)
        self.start()

    def start(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind((self.host, self.port))
        self.thread = threading.Thread(target=self.run, args=(self.socket,), daemon=True)
        self.thread.start()
        return self

    def run(self, mine):
        with contextlib.suppress(OSError):
            while True:
                datagram, who = mine.recvfrom(65536)
                if who is None:
                    return
                self.received.append((datagram, who))
                for reply in self.answer(datagram):
                    mine.sendto(reply, who)

    def stop(self):
        """Nobody listens there any more: the kernel refuses datagrams."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(5)
        self.socket.close()


class Client:
    """A UDP client on a port of its own."""

    def __init__(self, port, host="127.0.0.1", source=None, seconds=5):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        if source:
            self.socket.bind((source, 0))
        self.socket.settimeout(seconds * PATIENCE)
        self.to = (host, port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, datagram):
        self.socket.sendto(datagram, self.to)

    def receive(self):
        datagram, who = self.socket.recvfrom(65536)
        assert who[:2] == self.to, f"an answer from {who}, asked was {self.to}"
        return datagram

    def ask(self, datagram=b"hello"):
        self.send(datagram)
        return self.receive()

    def ask_stubbornly(self, datagram=b"hello", tries=20):
        """As clients of UDP do: asks again when nothing comes."""
        self.socket.settimeout(0.5 * PATIENCE)
        for _ in range(tries):
            self.send(datagram)
            try:
                return self.receive()
            except TimeoutError:
                continue
        raise AssertionError(f"no answer to {tries} datagrams")

    def is_silent(self, seconds=0.3):
        self.socket.settimeout(seconds * PATIENCE)
        try:
            self.socket.recvfrom(65536)
        except TimeoutError:
            return True
        return False


def who(answer):
    """The name of the echo that answered."""
    return answer.split(b" ")[0].decode()


def udp_config(*echoes, port=None, listener=None, pool=None, **top):
    """One UDP listener "udp" in front of one pool "udp" of these echoes, not probed unless the test says so."""
    port = port or udp_port()
    backends = [{"id": echo.name, "host": echo.host, "port": echo.port} for echo in echoes]
    return {"workers": 2, "drain_timeout": "1s", "store": {"type": "memory"}, **top,
            "listeners": [{"name": "udp", "address": f"127.0.0.1:{port}", "protocol": "udp", "pool": "udp",
                           **(listener or {})}],
            "pools": [{"name": "udp", "health_check": False, "backends": backends, **(pool or {})}]}
