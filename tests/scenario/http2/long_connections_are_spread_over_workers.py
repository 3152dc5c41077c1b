"""A few long connections never gather on one worker, however the kernel hands them out."""

import pathlib
import re

import pytest
from h2_raw import RawH2, get
from waiting import eventually

LISTENING, ESTABLISHED = "0A", "01"


def inodes(running, state):
    """Of the TCP sockets that the listener's port has in that state."""
    found = set()
    for line in pathlib.Path(f"/proc/{running.process.pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == running.port and fields[3] == state:
            found.add(fields[9])
    return found


def connections_by_worker(running):
    """How many client connections each worker watches: by the epoll instances that watch a listening socket."""
    process = pathlib.Path(f"/proc/{running.process.pid}")
    links = {}
    for entry in (process / "fd").iterdir():
        try:
            links[entry.name] = str(entry.readlink())
        except FileNotFoundError:
            pass
    listening, established = inodes(running, LISTENING), inodes(running, ESTABLISHED)
    counts = []
    for name, link in links.items():
        if link != "anon_inode:[eventpoll]":
            continue
        watched = re.findall(r"tfd:\s+(\d+)", (process / "fdinfo" / name).read_text())
        sockets = {links.get(number, "")[len("socket:["):-1] for number in watched}
        if sockets & listening:
            counts.append(len(sockets & established))
    return sorted(counts)


@pytest.mark.multiworker
def test_two_connections_on_two_workers_are_one_each(proxy):
    running, _ = proxy(listener={"http2": True}, workers=2)
    for trial in range(12):
        clients = [RawH2(running.port) for _ in range(2)]
        for client in clients:
            client.headers(1, get("/"))
            assert client.response(1)[0] == 200
        assert connections_by_worker(running) == [1, 1], f"trial {trial}"
        for client in clients:
            client.socket.close()
        eventually(lambda: connections_by_worker(running) == [0, 0], 10, "both have gone")
        eventually(lambda: running.metric("weir_connections_active") == 0)
