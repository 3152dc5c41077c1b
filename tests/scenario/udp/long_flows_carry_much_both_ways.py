"""An echo in the way of QUIC: connection ids, numbered packets of one size, many under way in both directions."""

import socket
import struct
import threading

import pytest
from datagrams import Client, udp_config, who
from waiting import PATIENCE

UDP_SEGMENT = 103
SIZE = 1200
PACKETS = 4000
WINDOW = 32  # packets under way: far less than any socket's buffer


def packet(connection, number, size=SIZE):
    return struct.pack("!QI", connection, number).ljust(size, bytes([number % 251]))


def converse(port, connection, packets, problems):
    """Sends numbered packets, up to a window of them ahead of their echoes; every echo must be one of them, whole. What
    the kernel has lost is sent again, a few times."""
    with Client(port, seconds=2) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sent, missing, repeats = 0, set(), 0
        while sent < packets or missing:
            while sent < packets and len(missing) < WINDOW:
                client.send(packet(connection, sent))
                missing.add(sent)
                sent += 1
            try:
                echo = client.receive()
            except TimeoutError:
                repeats += 1
                if repeats > 5:
                    problems.append(f"{connection}: {len(missing)} packets missing of {sent}")
                    return
                for number in missing:
                    client.send(packet(connection, number))
                continue
            got, number = struct.unpack_from("!QI", echo)
            if got != connection or echo != packet(connection, number) or number >= sent:
                problems.append(f"{connection}: got packet {number} of {got}")
                return
            missing.discard(number)


def test_many_packets_both_ways_on_several_connections(weir, echoes):
    backends = echoes("a", "b", answer=lambda datagram: [datagram])
    running = weir(udp_config(*backends, listener={"udp": {"receive_buffer": "4MB", "send_buffer": "4MB"}}))
    problems = []
    threads = [threading.Thread(target=converse, args=(running.port, i, PACKETS, problems)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60 * PATIENCE)
    assert problems == []
    assert running.metric("weir_udp_flows_total", listener="udp") == 4
    assert running.metric("weir_udp_datagrams_total", direction="client_out") >= 4 * PACKETS
    assert running.metric("weir_udp_datagrams_dropped_total", listener="udp") == 0


@pytest.mark.parametrize("size", [1, 1200, 1472, 9000, 30_000])
def test_bursts_arrive_as_the_datagrams_that_were_sent(weir, echoes, size):
    """A client that hands the kernel many segments at once (UDP_SEGMENT), as QUIC stacks do."""
    (echo,) = echoes("a", answer=lambda datagram: [datagram])
    running = weir(udp_config(echo, listener={"udp": {"receive_buffer": "4MB"}}))
    count = max(2, min(40, 60_000 // size))
    with Client(running.port) as client:
        packets = [bytes([i]) * size for i in range(count - 1)] + [b"z" * (size // 2 + 1)]
        for _ in range(3):
            control = [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("H", size))]
            client.socket.sendmsg([b"".join(packets)], control, 0, client.to)
            assert [client.receive() for _ in packets] == packets
    assert [datagram for datagram, _ in echo.received] == packets * 3


def test_a_burst_of_replies_of_different_sizes(weir, echoes):
    sizes = [1200] * 20 + [700] + [1200] * 10 + [1, 0, 60_000, 60_000, 5]
    (echo,) = echoes("a", answer=lambda datagram: [bytes([i]) * size for i, size in enumerate(sizes)])
    running = weir(udp_config(echo))
    with Client(running.port) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        for _ in range(5):
            client.send(b"go")
            assert [len(client.receive()) for _ in sizes] == sizes


def test_the_longest_datagram_and_the_empty_one(weir, echoes):
    (echo,) = echoes("a", answer=lambda datagram: [datagram])
    running = weir(udp_config(echo))
    with Client(running.port) as client:
        for size in (65_507, 0, 65_507):
            assert len(client.ask(b"x" * size)) == size


def test_a_silent_flood_of_replies_stops_at_the_client_that_left(weir, echoes):
    """Replies to a client that is gone harm nobody else."""
    (echo,) = echoes("a", answer=lambda datagram: [b"a " + datagram] * (200 if datagram == b"many" else 1))
    running = weir(udp_config(echo))
    with Client(running.port) as gone:
        gone.send(b"many")
    with Client(running.port) as client:
        for _ in range(20):
            assert who(client.ask()) == "a"
