"""One attempt to deliver a webhook, at real servers: what comes of it, and where it never leads."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import trustme

from consumer.webhooks import sending
from consumer.webhooks.outcomes import SendError
from shakerqueue import __version__
from shakerqueue.webhook_targets import IPAddress
from tests.support.event_loop import comes_true, in_event_loop
from tests.support.receiver import HANG_UP, LOOPBACK, Receiver, hang, http_answer
from tests.support.webhook_attempts import BODY, NAME, Names, a_sender, outcome_of

OTHER_LOOPBACK = "127.0.0.2"
IMPATIENT_SECONDS = 0.3


@contextmanager
def full_listener(port: int) -> Iterator[None]:
    """A port of another address of this machine that takes no more connections: a connect gets no answer."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind((OTHER_LOOPBACK, port))
        listener.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex((OTHER_LOOPBACK, port))
        yield


def certified(authority: trustme.CA, name: str = NAME) -> ssl.SSLContext:
    """What a server of this name shows."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@in_event_loop
async def test_a_webhook_arrives_as_it_was_given() -> None:
    async with Receiver(http_answer(200, body=b"thanks")) as receiver, a_sender() as sender:
        headers = {"Webhook-Id": "msg_1", "Content-Type": "application/json"}
        outcome = await sender.post(receiver.url("/hook;v=1?key=a&b"), headers, BODY)
    assert outcome.delivered
    assert (200, None, "answered 200", "thanks") == (outcome.status, outcome.error, outcome.detail, outcome.excerpt)
    (received,) = receiver.received
    assert ("/hook;v=1?key=a&b", BODY) == (received.target, received.body)
    assert {
        "webhook-id": "msg_1",
        "content-type": "application/json",
        "content-length": str(len(BODY)),
        "host": f"{LOOPBACK}:{receiver.port}",
        "user-agent": f"ShakerQueue/{__version__}",
    } == dict(received.headers)


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503])
@in_event_loop
async def test_an_answer_that_is_no_success_is_no_delivery(status: int) -> None:
    outcome = await outcome_of(http_answer(status, body=b"no"))
    assert not outcome.delivered
    assert (status, None, f"answered {status}", "no") == (
        outcome.status,
        outcome.error,
        outcome.detail,
        outcome.excerpt,
    )


@in_event_loop
async def test_a_receiver_may_say_after_how_many_seconds_to_come_again() -> None:
    assert 120.0 == (await outcome_of(http_answer(503, "Retry-After: 120"))).retry_after_seconds
    assert None is (await outcome_of(http_answer(503, "Retry-After: later"))).retry_after_seconds
    assert None is (await outcome_of(http_answer(503))).retry_after_seconds


@in_event_loop
async def test_a_receiver_may_say_at_what_time_to_come_again() -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    seconds = (await outcome_of(http_answer(429, f"retry-after: {at}"))).retry_after_seconds
    assert seconds is not None
    assert 3500 < seconds <= 3600


@in_event_loop
async def test_a_receiver_that_never_answers_ends_at_the_deadline() -> None:
    async with Receiver(hang) as receiver, a_sender(attempt_seconds=IMPATIENT_SECONDS) as sender:
        outcome = await sender.post(receiver.url(), {}, BODY)
        assert (SendError.TIMEOUT, None, False) == (outcome.error, outcome.status, outcome.delivered)
        assert "no complete answer within 0.3 s" == outcome.detail
        assert IMPATIENT_SECONDS <= outcome.duration_seconds < IMPATIENT_SECONDS + 2
        assert [] == sender._pool.connections


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"])
@in_event_loop
async def test_an_answer_that_drips_ends_at_the_deadline(beginning: bytes) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(beginning)
        for byte in b"HTTP/1.1 200 " + b"a" * 1000:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)

    outcome = await outcome_of(drip, attempt_seconds=IMPATIENT_SECONDS)
    assert SendError.TIMEOUT is outcome.error
    assert outcome.duration_seconds < IMPATIENT_SECONDS + 2


@pytest.mark.parametrize(
    "answer",
    [
        b"220 mail.example ESMTP\r\n\r\n",
        b"\x00\x01\x02\r\n\r\n",
        b"HTTP/9.9 maybe\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000,
    ],
)
@in_event_loop
async def test_what_is_not_http_is_no_answer(answer: bytes) -> None:
    outcome = await outcome_of(answer)
    assert (SendError.PROTOCOL_ERROR, None) == (outcome.error, outcome.status)


@in_event_loop
async def test_a_receiver_that_hangs_up_has_not_answered() -> None:
    outcome = await outcome_of(HANG_UP)
    # Whether it was closed or reset is a matter of what the receiver had read.
    assert outcome.error in {SendError.PROTOCOL_ERROR, SendError.CONNECTION_FAILED}


@in_event_loop
async def test_an_answer_that_breaks_off_is_no_delivery() -> None:
    async def break_off(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    outcome = await outcome_of(break_off)
    assert (SendError.PROTOCOL_ERROR, False) == (outcome.error, outcome.delivered)


@in_event_loop
async def test_a_refused_connection_says_so_without_an_address() -> None:
    async with Receiver() as receiver:
        url = receiver.url()
    async with a_sender() as sender:
        outcome = await sender.post(url, {}, BODY)
    assert (SendError.CONNECTION_FAILED, "no connection: connection refused") == (outcome.error, outcome.detail)


@in_event_loop
async def test_a_header_that_cannot_be_sent_is_an_outcome_without_its_value() -> None:
    async with Receiver() as receiver, a_sender() as sender:
        for value in ("secret\r\nx: y", "secret\u2028"):
            outcome = await sender.post(receiver.url(), {"webhook-signature": value}, BODY)
            assert SendError.PROTOCOL_ERROR is outcome.error
            assert "secret" not in outcome.detail
    assert [] == receiver.received


@in_event_loop
async def test_a_connection_is_kept_for_the_next_webhook() -> None:
    names = Names([LOOPBACK])
    async with Receiver() as receiver, a_sender(resolver=names) as sender:
        for _ in range(3):
            assert (await sender.post(receiver.url(host=NAME), {}, BODY)).delivered
    assert (3, 1, [NAME]) == (len(receiver.received), receiver.connections, names.asked)


@in_event_loop
async def test_cookies_are_not_kept() -> None:
    async with Receiver(http_answer(200, "set-cookie: a=b")) as receiver, a_sender() as sender:
        for _ in range(2):
            await sender.post(receiver.url(), {}, BODY)
    assert [[], []] == [received.values("cookie") for received in receiver.received]


@in_event_loop
async def test_a_connection_that_was_idle_too_long_is_not_used_again() -> None:
    names = Names([LOOPBACK])
    async with Receiver() as receiver, a_sender(resolver=names, idle_seconds=0) as sender:
        for _ in range(2):
            assert (await sender.post(receiver.url(host=NAME), {}, BODY)).delivered
    assert (2, [NAME, NAME]) == (receiver.connections, names.asked)


@in_event_loop
async def test_fifty_attempts_at_a_slow_receiver_do_not_delay_one_at_another() -> None:
    async with Receiver(hang) as slow, Receiver() as fast, a_sender() as sender:
        waiting = [asyncio.create_task(sender.post(slow.url(), {}, BODY)) for _ in range(50)]
        await comes_true(lambda: 50 == len(slow.received))
        outcome = await sender.post(fast.url(), {}, BODY)
        assert outcome.delivered
        assert outcome.duration_seconds < 2
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ended)
        assert 1 == len(sender._pool.connections)


@in_event_loop
async def test_a_name_without_an_address_is_unresolvable() -> None:
    async with a_sender(allow_private=False) as sender:
        outcome = await sender.post("https://receiver.invalid/", {}, BODY)
    assert SendError.UNRESOLVABLE is outcome.error


@in_event_loop
async def test_a_name_server_that_does_not_answer_makes_a_name_unresolvable(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silence(Names):
        async def resolve(self, _host: str) -> list[IPAddress]:
            await asyncio.Event().wait()
            raise AssertionError("never reached")

    monkeypatch.setattr(sending, "CONNECT_SECONDS", IMPATIENT_SECONDS)
    async with a_sender(resolver=Silence([])) as sender:
        outcome = await sender.post(f"http://{NAME}/", {}, BODY)
    assert (SendError.UNRESOLVABLE, "no name server answered in time") == (outcome.error, outcome.detail)


@in_event_loop
async def test_another_address_is_tried_when_one_refuses() -> None:
    names = Names([OTHER_LOOPBACK, LOOPBACK])
    async with Receiver() as receiver, a_sender(resolver=names) as sender:
        assert (await sender.post(receiver.url(host=NAME), {}, BODY)).delivered


@in_event_loop
async def test_another_address_is_tried_when_one_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "CONNECT_SECONDS", IMPATIENT_SECONDS)
    names = Names([OTHER_LOOPBACK, LOOPBACK], [OTHER_LOOPBACK])
    async with Receiver(http_answer(200, "connection: close")) as receiver, a_sender(resolver=names) as sender:
        with full_listener(receiver.port):
            delivered, silent = [await sender.post(receiver.url(host=NAME), {}, BODY) for _ in range(2)]
    assert delivered.delivered
    assert (SendError.TIMEOUT, "no connection within 0.3 s") == (silent.error, silent.detail)


@in_event_loop
async def test_tls_verifies_the_name_of_the_url() -> None:
    authority = trustme.CA()
    async with (
        Receiver(tls=certified(authority)) as receiver,
        a_sender(resolver=Names([LOOPBACK]), ssl_context=trusting(authority)) as sender,
    ):
        right = await sender.post(receiver.url(host=NAME, scheme="https"), {}, BODY)
        wrong = await sender.post(receiver.url(host="other.test", scheme="https"), {}, BODY)
    assert right.delivered
    assert SendError.TLS_FAILED is wrong.error
    assert "other.test" in wrong.detail
    assert 1 == len(receiver.received)


@in_event_loop
async def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    async with (
        Receiver(tls=certified(trustme.CA())) as receiver,
        a_sender(resolver=Names([LOOPBACK])) as sender,
    ):
        outcome = await sender.post(receiver.url(host=NAME, scheme="https"), {}, BODY)
    assert SendError.TLS_FAILED is outcome.error
    assert outcome.detail.startswith("the certificate is not good: ")
    assert [] == receiver.received


@in_event_loop
async def test_a_server_without_tls_is_no_tls_server() -> None:
    async def greet(writer: asyncio.StreamWriter) -> None:
        writer.write(http_answer(400))
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(lambda _, writer: greet(writer), LOOPBACK, 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with a_sender() as sender:
            outcome = await sender.post(f"https://{LOOPBACK}:{port}/", {}, BODY)
    assert SendError.TLS_FAILED is outcome.error


@pytest.mark.parametrize("connect_seconds", [IMPATIENT_SECONDS, 10.0])
@in_event_loop
async def test_a_silent_tls_server_is_left_in_time(monkeypatch: pytest.MonkeyPatch, connect_seconds: float) -> None:
    monkeypatch.setattr(sending, "CONNECT_SECONDS", connect_seconds)
    async with Receiver(hang) as receiver, a_sender(attempt_seconds=2 * IMPATIENT_SECONDS) as sender:
        outcome = await sender.post(receiver.url(scheme="https"), {}, BODY)
        assert SendError.TIMEOUT is outcome.error
        assert [] == sender._pool.connections
        await comes_true(lambda: not receiver._conversations)
