"""A client's address is where the connection comes from, or what a proxy of ours wrote; never what the client says."""

from collections.abc import Iterator

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient

from shakerqueue import attempts
from tests.support.application import running_app
from tests.support.bar import Bar
from tests.support.guessing import tries
from tests.support.rate_limits import LIMITS, tighten

PER_ADDRESS = attempts.sign_ins_from("").max_failures
HEADERS = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP")


@pytest.fixture
def app(bar: Bar) -> Iterator[Flask]:
    with running_app(bar) as app:
        yield app


@pytest.fixture
def proxied(bar: Bar) -> Iterator[FlaskClient]:
    """Whatever comes to the API of a house with one proxy comes from that."""
    with running_app(bar, trusted_proxies=1) as app:
        tighten(app)
        yield app.test_client()


def spoofed(number: int, header: str = "X-Forwarded-For") -> dict[str, str]:
    address = f"203.0.113.{number}"
    return {header: f"for={address}" if header == "Forwarded" else address}


def menu(client: FlaskClient, forwarded_for: str) -> int:
    """How `GET /menu` is answered whose header says so when it reaches the API."""
    return client.get("/menu", headers={"X-Forwarded-For": forwarded_for}).status_code


@pytest.mark.parametrize("header", HEADERS)
def test_sec_10_no_header_of_a_client_resets_a_rate_limit(app: Flask, header: str) -> None:
    tighten(app)
    client = app.test_client()
    statuses = [
        client.get("/menu", headers=spoofed(number, header)).status_code for number in range(LIMITS["address"] + 3)
    ]
    assert [200] * LIMITS["address"] + [429] * 3 == statuses


@pytest.mark.parametrize("header", HEADERS)
def test_sec_10_nor_the_budget_of_failed_sign_ins(app: Flask, header: str) -> None:
    client = app.test_client()
    statuses = [
        tries(client, email=f"guest-{number}@example.com", headers=spoofed(number, header)).status_code
        for number in range(PER_ADDRESS + 1)
    ]
    assert [401] * PER_ADDRESS + [429] == statuses


def test_sec_10_behind_a_proxy_clients_are_told_apart_by_what_the_proxy_wrote(proxied: FlaskClient) -> None:
    assert [200] * LIMITS["address"] + [429] == [menu(proxied, "198.51.100.1") for _ in range(LIMITS["address"] + 1)]
    assert 200 == menu(proxied, "198.51.100.2")


def test_sec_10_and_by_nothing_that_a_client_wrote_before_it(proxied: FlaskClient) -> None:
    claims = [f"203.0.113.{number}, 203.0.113.{number}, 198.51.100.1" for number in range(LIMITS["address"] + 1)]
    assert [200] * LIMITS["address"] + [429] == [menu(proxied, claim) for claim in claims]


def test_sec_10_what_a_client_writes_into_other_headers_changes_no_link_of_ours(proxied: FlaskClient) -> None:
    spoof = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher", "X-Forwarded-Prefix": "/evil"}
    assert "evil" not in proxied.get("/", headers=spoof).text


def test_sec_10_a_real_server_believes_no_client(bar: Bar) -> None:
    """120 a minute may try to sign in; each of two workers has half of that. Their bodies are refused right after."""
    bar.extra_environment["RATE_LIMITS"] = "on"
    with bar.api() as api:
        statuses = []
        for number in range(250):  # a minute may end in between, and then as many again are let through
            answer = httpx.post(f"{api.base_url}/login", json={}, headers=spoofed(number))
            statuses.append(answer.status_code)
    assert {422, 429} == set(statuses)
