"""Backends that misbehave on order: at which point of an exchange, how, and for how long."""

import asyncio
import random

from origin import say_name

GARBAGE = b"\x16\x03\x01 this is no HTTP\r\n\r\n"
FOREVER = 3600  # seconds; ended by whoever closes the connection


async def hang(exchange):
    """Takes the request and says nothing."""
    await exchange.read_body()
    await asyncio.sleep(FOREVER)


async def hang_in_head(exchange):
    await exchange.read_body()
    await exchange.send(b"HTTP/1.1 200 OK\r\nX-Half: ")
    await asyncio.sleep(FOREVER)


async def hang_in_body(exchange):
    await exchange.read_body()
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await asyncio.sleep(FOREVER)


async def reset_at_once(exchange):
    """Before the request's body was read."""
    exchange.reset()


async def reset_before_answer(exchange):
    await exchange.read_body()
    exchange.reset()


async def reset_in_body(exchange):
    await exchange.read_body()
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    exchange.reset()


async def close_before_answer(exchange):
    await exchange.read_body()
    exchange.close()


async def close_after_interim(exchange):
    """103, and nothing behind it."""
    await exchange.read_body()
    await exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
    exchange.close()


async def garbage(exchange):
    await exchange.read_body()
    await exchange.send(GARBAGE)
    exchange.close()


async def too_short(exchange):
    """The connection ends before the length that was announced."""
    await exchange.read_body()
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort")
    exchange.close()


async def two_lengths(exchange):
    await exchange.read_body()
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nwhich")
    exchange.close()


def status(code):
    """Answers with that status."""

    async def behave(exchange):
        await exchange.respond(code, exchange.origin.name.encode())

    return behave


def slow(seconds, behave=say_name, rng=random):
    """Answers late: by an exponential distribution with that mean."""

    async def later(exchange):
        await asyncio.sleep(min(rng.expovariate(1 / seconds), 10 * seconds))
        await behave(exchange)

    return later


def flapping(good, bad, behave=say_name, fault=reset_before_answer):
    """`good` requests that are answered, then `bad` that are not, and again."""
    count = 0

    async def behave_by_turns(exchange):
        nonlocal count
        count += 1
        await (behave if (count - 1) % (good + bad) < good else fault)(exchange)

    return behave_by_turns


# What a backend of HTTP/1 can do wrong with a request that it has accepted, before a byte of the body is out: nothing
# of these has to reach a client while another backend is there.
BEFORE_THE_BODY = (reset_at_once, reset_before_answer, close_before_answer, close_after_interim, garbage, two_lengths)
# What ends or stops in the middle: no client can be spared it, but none may take it for a whole answer.
IN_THE_BODY = (hang_in_body, reset_in_body, too_short)
