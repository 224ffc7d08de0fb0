"""Where a webhook is really sent: to addresses that were judged, at real receivers, and nowhere that they point to."""

import socket
from collections.abc import Iterator

import httpcore2
import pytest
from flask.testing import FlaskClient

from consumer.webhooks.outcomes import SendError
from tests.support.application import running_app, sign_in
from tests.support.bar import Bar
from tests.support.event_loop import comes_true, in_event_loop
from tests.support.receiver import LOOPBACK, Receiver, http_answer
from tests.support.webhook_attempts import BODY, MULTICAST, NAME, PUBLIC, Names, a_sender, outcome_of


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@in_event_loop
async def test_sec_17_a_redirect_is_not_followed(status: int) -> None:
    async with Receiver() as elsewhere:
        outcome = await outcome_of(http_answer(status, f"location: {elsewhere.url()}"))
    assert (status, False) == (outcome.status, outcome.delivered)
    assert 0 == elsewhere.connections


@in_event_loop
async def test_sec_17_of_a_long_answer_64_kib_are_read_and_the_connection_is_dropped() -> None:
    async with Receiver(http_answer(200, body=b"a" * 10 * 2**20)) as receiver, a_sender() as sender:
        outcome = await sender.post(receiver.url(), {}, BODY)
        assert outcome.delivered
        assert "a" * 500 == outcome.excerpt
        await comes_true(lambda: 1 == receiver.broken_off)
        assert [] == sender._pool.connections


@in_event_loop
async def test_sec_17_proxies_in_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Receiver() as receiver, Receiver() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url(""))
        async with a_sender() as sender:
            assert (await sender.post(receiver.url(), {}, BODY)).delivered
    assert 0 == proxy.connections


@pytest.mark.parametrize("host", [LOOPBACK, "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]", "[::1]"])
@pytest.mark.parametrize("scheme", ["https", "http"])
@in_event_loop
async def test_sec_17_nobody_connects_to_this_machine_unless_a_setting_allows_it(scheme: str, host: str) -> None:
    async with Receiver() as receiver, a_sender(allow_private=False) as sender:
        outcome = await sender.post(receiver.url(host=host, scheme=scheme), {}, BODY)
    assert (SendError.TARGET_REFUSED, 0) == (outcome.error, receiver.connections)


@pytest.mark.parametrize("addresses", [[PUBLIC, LOOPBACK], [LOOPBACK, PUBLIC], ["::ffff:127.0.0.1"], ["10.0.0.1"]])
@in_event_loop
async def test_sec_17_a_name_with_one_private_address_is_refused(addresses: list[str]) -> None:
    async with Receiver() as receiver, a_sender(allow_private=False, resolver=Names(addresses)) as sender:
        outcome = await sender.post(receiver.url(host=NAME, scheme="https"), {}, BODY)
    assert (SendError.TARGET_REFUSED, 0) == (outcome.error, receiver.connections)
    assert "the host has an address outside the public Internet" == outcome.detail


@pytest.mark.parametrize("url", [f"http://{NAME}/", f"https://user@{NAME}/", f"https://{NAME}/#part"])
@in_event_loop
async def test_sec_17_a_url_of_a_forbidden_form_is_refused_before_its_name_is_asked_for(url: str) -> None:
    names = Names([PUBLIC])
    async with a_sender(allow_private=False, resolver=names) as sender:
        outcome = await sender.post(url, {}, BODY)
    assert (SendError.TARGET_REFUSED, []) == (outcome.error, names.asked)


@in_event_loop
async def test_sec_17_a_name_is_asked_for_once_so_no_later_answer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask_again(*_: object, **__: object) -> None:
        raise AssertionError("the name was resolved once more")

    names = Names([LOOPBACK], [MULTICAST])
    async with Receiver() as receiver, a_sender(resolver=names) as sender:
        monkeypatch.setattr(socket, "getaddrinfo", ask_again)
        assert (await sender.post(receiver.url(host=NAME), {}, BODY)).delivered
    assert ([NAME], 1) == (names.asked, receiver.connections)


@in_event_loop
async def test_sec_17_every_new_connection_is_judged_anew() -> None:
    names = Names([LOOPBACK], [MULTICAST])
    async with Receiver(http_answer(200, "connection: close")) as receiver, a_sender(resolver=names) as sender:
        outcomes = [await sender.post(receiver.url(host=NAME), {}, BODY) for _ in range(2)]
    assert [None, SendError.TARGET_REFUSED] == [outcome.error for outcome in outcomes]
    assert 1 == receiver.connections


# What a name of an attacker may resolve to, in every form that an address has.
INSIDE = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.1.2.3", "224.0.0.1",
    "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:169.254.169.254", "fe80::1", "fc00::1", "ff02::1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::", "2001::1",
]  # fmt: skip


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were connected to; none of them takes the connection."""
    addresses: list[str] = []

    async def refuse(_: object, host: str, *__: object, **___: object) -> None:
        addresses.append(host)
        raise httpcore2.ConnectError("refused")

    monkeypatch.setattr(httpcore2.AnyIOBackend, "connect_tcp", refuse)
    return addresses


@pytest.mark.parametrize("address", INSIDE)
@in_event_loop
async def test_sec_17_a_name_is_refused_whatever_it_resolves_to(connected: list[str], address: str) -> None:
    for addresses in ([address], [PUBLIC, address]):
        async with a_sender(allow_private=False, resolver=Names(addresses)) as sender:
            assert SendError.TARGET_REFUSED is (await sender.post(f"https://{NAME}/hook", {}, BODY)).error
    assert [] == connected


@in_event_loop
async def test_sec_17_a_name_that_changes_between_check_and_connect_leads_to_what_was_checked(
    connected: list[str],
) -> None:
    """Rebinding: the first answer is good, every later one is this machine."""
    names = Names([PUBLIC], [LOOPBACK])
    async with a_sender(allow_private=False, resolver=names) as sender:
        first, second = [await sender.post(f"https://{NAME}/hook", {}, BODY) for _ in range(2)]
    assert [PUBLIC] == connected
    assert [NAME, NAME] == names.asked
    assert [SendError.CONNECTION_FAILED, SendError.TARGET_REFUSED] == [first.error, second.error]


@pytest.fixture(scope="module")
def strict_client(shared_bar: Bar) -> Iterator[FlaskClient]:
    """Of the API as it is in production: webhooks go to the Internet alone."""
    with running_app(shared_bar, webhook_allow_private=False) as app:
        yield app.test_client()


@pytest.mark.parametrize(
    "url",
    [
        "http://pos.example/", "https://user:secret@pos.example/", "https://127.0.0.1/", "https://2130706433/",
        "https://0x7f000001/", "https://0177.0.0.1/", "https://[::1]/", "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/", "https://[::127.0.0.1]/", "https://224.0.0.1/", "https://[ff02::1]/",
        "https://169.254.169.254/latest/meta-data/", "https://localhost./", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_sec_17_no_such_url_is_registered_nor_put_in_its_place(strict_client: FlaskClient, url: str) -> None:
    admin = sign_in(strict_client, "admin@example.com")
    wanted = {"url": "https://pos.example/hooks", "types": ["order.complete"]}
    made = strict_client.post("/webhooks", json=wanted, headers=admin)
    assert 201 == made.status_code
    path = f"/webhooks/{made.get_json()['id']}"

    answers = [
        strict_client.post("/webhooks", json={**wanted, "url": url}, headers=admin),
        strict_client.patch(path, json={"url": url}, headers=admin),
    ]

    assert [(422, "target_refused")] * 2 == [(answer.status_code, answer.get_json()["code"]) for answer in answers]
    assert wanted["url"] == strict_client.get(path, headers=admin).get_json()["url"]
    strict_client.delete(path, headers=admin)
