"""SMTP, whose servers speak first: Python's client delivers mail through Weir."""

import smtplib

from tcp_backend import tcp_config, tcp_pool
from waiting import PATIENCE


async def smtp(connection):
    """As much of RFC 5321 as a delivery needs."""
    async def say(text):
        await connection.send(text.encode() + b"\r\n")

    mails = connection.backend.mails = getattr(connection.backend, "mails", [])
    await say("220 mail.example ready")
    while line := (await connection.reader.readline()).decode().strip():
        verb = line.split()[0].upper()
        if verb == "DATA":
            await say("354 go on")
            mails.append((await connection.reader.readuntil(b"\r\n.\r\n"))[:-5])
        await say({"EHLO": "250 mail.example", "DATA": "250 taken", "QUIT": "221 bye"}.get(verb, "250 fine"))
        if verb == "QUIT":
            return


def test_mail_is_delivered(weir, backends):
    (one,) = backends("one", behave=smtp)
    running = weir(tcp_config(tcp_pool(one, health_check="off")))
    for size in (10, 2_000_000):
        text = "Subject: test\r\n\r\n" + ("y" * 70 + "\r\n") * (size // 72)
        with smtplib.SMTP("127.0.0.1", running.port, timeout=20 * PATIENCE) as client:
            client.sendmail("a@example.com", ["b@example.com"], text)
        assert one.mails[-1].decode().rstrip() == text.rstrip()
