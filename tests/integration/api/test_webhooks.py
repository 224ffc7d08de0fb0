"""Webhooks as their owners handle them over HTTP; what is sent is shown where the dispatcher is."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from shakerqueue.api.services import Services
from shakerqueue.integrations import add_integration, issue_key
from shakerqueue.scopes import Scope
from shakerqueue.webhook_types import WebhookType
from tests.support.application import running_app, sign_in
from tests.support.bar import Bar

URL = "http://127.0.0.1:9/hooks"
NOWHERE = "00000000-0000-4000-8000-000000000000"

Headers = dict[str, str]


def create(client: FlaskClient, who: Headers, **body: Any) -> dict[str, Any]:
    answer = client.post("/webhooks", json={"url": URL, "types": ["order.complete"], **body}, headers=who)
    assert 201 == answer.status_code, answer.text
    made: dict[str, Any] = answer.get_json()
    return made


def listed(client: FlaskClient, who: Headers) -> list[str]:
    return [one["id"] for one in client.get("/webhooks", headers=who).get_json()["webhooks"]]


def add_done(
    bar: Bar, webhook_id: str, kind: str = "order.complete", status: str = "failed", made: str = "now()"
) -> UUID:
    """A message that was sent, or given up."""
    delivery_id = uuid4()
    bar.change(
        "INSERT INTO webhook_deliveries (id, endpoint_id, type, body, status, attempts, done_at, created_at)"
        f" VALUES ('{delivery_id}', '{webhook_id}', '{kind}', '{{}}', '{status}', 11, now(), {made})"
    )
    return delivery_id


def test_the_secret_is_shown_when_it_is_made_and_not_again(client: FlaskClient, admin: Headers) -> None:
    made = create(client, admin, description="The till")
    assert made["secret"].startswith("whsec_")
    assert (URL, "The till", ["order.complete"], True, None) == tuple(
        made[name] for name in ("url", "description", "types", "enabled", "integration_id")
    )
    shown = client.get(f"/webhooks/{made['id']}", headers=admin)
    assert {name: value for name, value in made.items() if name != "secret"} == shown.get_json()
    assert made["secret"] not in client.get("/webhooks", headers=admin).text


@pytest.mark.shares_bar
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"types": ["order.complete"]}, "url"),
        ({"url": "till", "types": ["order.complete"]}, "url"),
        ({"url": "ftp://till.example/", "types": ["order.complete"]}, "url"),
        ({"url": "https://user:password@till.example/", "types": ["order.complete"]}, "url"),
        ({"url": "https://till.example/#top", "types": ["order.complete"]}, "url"),
        ({"url": URL}, "types"),
        ({"url": URL, "types": []}, "types"),
        ({"url": URL, "types": ["order.complete", "order.completed"]}, "types.1"),
        ({"url": URL, "types": ["webhook.test"]}, "types.0"),
        ({"url": URL, "types": ["order.complete"], "description": "x" * 201}, "description"),
        ({"url": URL, "types": ["order.complete"], "secret": "mine"}, "secret"),
    ],
    ids=lambda value: str(value)[:70],
)
def test_what_no_webhook_can_be_is_named(client: FlaskClient, admin: Headers, body: Any, field: str) -> None:
    answer = client.post("/webhooks", json=body, headers=admin)
    assert (422, [field]) == (answer.status_code, [error["field"] for error in answer.get_json()["errors"]])


@pytest.mark.parametrize(
    "url", [URL, "https://127.0.0.1/", "https://2130706433/", "https://[::1]/", "https://10.0.0.7/"]
)
def test_inner_addresses_are_refused_unless_they_are_allowed(bar: Bar, url: str) -> None:
    with running_app(bar, webhook_allow_private=False) as app:
        client = app.test_client()
        answer = client.post(
            "/webhooks", json={"url": url, "types": ["order.complete"]}, headers=sign_in(client, "admin@example.com")
        )
    assert (422, "target_refused") == (answer.status_code, answer.get_json()["code"])


def test_a_program_has_its_own_webhooks_and_an_admin_sees_all(
    client: FlaskClient, admin: Headers, pos: Headers, services: Services
) -> None:
    with services.database.transaction() as conn:
        issued = issue_key(conn, add_integration(conn, "other"), scopes=[Scope.WEBHOOKS_WRITE], expires_at=None)
    other = {"Authorization": f"Bearer {issued.key}"}
    houses, till = create(client, admin), create(client, pos)
    assert (None, client.get("/me", headers=pos).get_json()["id"]) == (houses["integration_id"], till["integration_id"])
    assert ([houses["id"], till["id"]], [till["id"]], []) == tuple(listed(client, who) for who in (admin, pos, other))
    path = f"/webhooks/{till['id']}"
    asked = [("GET", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/test"), ("GET", "/deliveries")]
    assert {404} == {client.open(path + end, method=method, headers=other).status_code for method, end in asked}
    assert 404 == client.patch(path, json={"enabled": False}, headers=other).status_code
    body = {"created_from": "2020-01-01T00:00:00Z"}
    assert 404 == client.post(f"{path}/redeliver", json=body, headers=other).status_code
    assert 200 == client.get(path, headers=pos).status_code


def test_what_is_named_is_changed_and_the_rest_stays(client: FlaskClient, admin: Headers) -> None:
    made = create(client, admin, description="The till")
    path = f"/webhooks/{made['id']}"
    changed = client.patch(path, json={"types": list(WebhookType), "description": None}, headers=admin).get_json()
    assert (URL, None, list(WebhookType)) == (changed["url"], changed["description"], changed["types"])
    assert not client.patch(path, json={"enabled": False}, headers=admin).get_json()["enabled"]
    assert 422 == client.patch(path, json={}, headers=admin).status_code
    assert 422 == client.patch(path, json={"url": "https://10.0.0.7/#x"}, headers=admin).status_code


def test_a_deleted_webhook_is_gone(client: FlaskClient, admin: Headers) -> None:
    made = create(client, admin)
    assert [204, 404] == [client.delete(f"/webhooks/{made['id']}", headers=admin).status_code for _ in range(2)]
    assert [] == listed(client, admin)


def test_a_rotation_gives_another_secret_and_says_how_long_the_old_one_is_good(
    client: FlaskClient, admin: Headers
) -> None:
    made = create(client, admin)
    rotated = client.post(f"/webhooks/{made['id']}/rotate", headers=admin).get_json()
    assert made["secret"] != rotated["secret"]
    until = datetime.fromisoformat(rotated["previous_secret_until"])
    assert 23 < (until - datetime.now(UTC)).total_seconds() / 3600 <= 24


def test_a_test_message_is_made_unless_the_webhook_is_disabled(client: FlaskClient, admin: Headers) -> None:
    path = f"/webhooks/{create(client, admin)['id']}"
    answer = client.post(f"{path}/test", headers=admin)
    assert (202, "webhook.test", "pending") == (
        answer.status_code,
        answer.get_json()["type"],
        answer.get_json()["status"],
    )
    found = client.get(f"{path}/deliveries/{answer.get_json()['id']}", headers=admin).get_json()
    assert ([], f"msg_{UUID(found['id']).hex}") == (found["log"], found["message_id"])
    client.patch(path, json={"enabled": False}, headers=admin)
    answer = client.post(f"{path}/test", headers=admin)
    assert (409, "disabled") == (answer.status_code, answer.get_json()["code"])


def test_deliveries_are_listed_in_pages_and_by_filters(client: FlaskClient, admin: Headers, bar: Bar) -> None:
    webhook_id = create(client, admin)["id"]
    path = f"/webhooks/{webhook_id}/deliveries"
    made = [str(add_done(bar, webhook_id, made=f"now() - interval '{hours} hours'")) for hours in range(5)]
    delivered = str(add_done(bar, webhook_id, "bar.changed", "delivered", "now() - interval '9 hours'"))

    found: list[str] = []
    query = "?limit=2"
    while True:
        answer = client.get(path + query, headers=admin).get_json()
        found += [one["id"] for one in answer["deliveries"]]
        if answer["next_cursor"] is None:
            break
        query = f"?limit=2&cursor={answer['next_cursor']}"
    assert [*made, delivered] == found

    def ids(query: str) -> list[str]:
        return [one["id"] for one in client.get(path + query, headers=admin).get_json()["deliveries"]]

    assert [delivered] == ids("?status=delivered") == ids("?type=bar.changed")
    assert [] == ids(f"?order_id={NOWHERE}")
    assert 422 == client.get(f"{path}?status=lost", headers=admin).status_code


def test_one_message_and_many_are_sent_again(client: FlaskClient, admin: Headers, bar: Bar) -> None:
    webhook_id = create(client, admin)["id"]
    path = f"/webhooks/{webhook_id}"
    old = add_done(bar, webhook_id, made="now() - interval '3 days'")
    lost = [add_done(bar, webhook_id, made="now() - interval '1 hour'") for _ in range(3)]
    add_done(bar, webhook_id, status="delivered")

    one = client.post(f"{path}/deliveries/{old}/redeliver", headers=admin)
    assert (202, "pending", None) == (one.status_code, one.get_json()["status"], one.get_json()["done_at"])

    outage = {"created_from": f"{datetime.now(UTC).year}-01-01T00:00:00Z"}
    answer = client.post(f"{path}/redeliver", json=outage, headers=admin)
    assert (202, {"deliveries": 3, "next_created_from": None}) == (answer.status_code, answer.get_json())
    pending = client.get(f"{path}/deliveries?status=pending", headers=admin).get_json()["deliveries"]
    assert {str(id) for id in (old, *lost)} == {found["id"] for found in pending}


def test_many_are_sent_again_from_where_the_last_request_stopped(
    client: FlaskClient, admin: Headers, bar: Bar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shakerqueue.webhooks.MAX_SENT_AGAIN", 2)
    webhook_id = create(client, admin)["id"]
    for hours in range(5):
        add_done(bar, webhook_id, status="delivered", made=f"now() - interval '{hours} hours'")
    sent = []
    body: dict[str, Any] = {"status": "delivered", "created_from": "2020-01-01T00:00:00Z"}
    while body["created_from"]:
        answer = client.post(f"/webhooks/{webhook_id}/redeliver", json=body, headers=admin).get_json()
        sent.append(answer["deliveries"])
        body["created_from"] = answer["next_created_from"]
    assert [2, 2, 1] == sent


def test_what_waits_goes_at_once_when_asked_and_when_the_webhook_is_mended(
    client: FlaskClient, admin: Headers, bar: Bar
) -> None:
    path = f"/webhooks/{create(client, admin)['id']}"
    later = "UPDATE webhook_deliveries SET next_attempt_at = now() + interval '20 hours'"
    client.post(f"{path}/test", headers=admin)
    everything = {"status": "pending", "created_from": "2020-01-01T00:00:00Z"}
    mendings: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", f"{path}/redeliver", everything),
        ("PATCH", path, {"url": f"{URL}/new"}),
        ("PATCH", path, {"enabled": True}),
    ]
    for method, url, body in mendings:
        bar.change(later)
        assert client.open(url, method=method, json=body, headers=admin).status_code in (200, 202)
        assert [(True,)] == bar.query("SELECT next_attempt_at <= now() FROM webhook_deliveries")


def test_there_are_ten_webhooks_at_most(client: FlaskClient, admin: Headers, pos: Headers) -> None:
    made = [create(client, pos) for _ in range(10)]
    answer = client.post("/webhooks", json={"url": URL, "types": ["order.complete"]}, headers=pos)
    assert (409, "too_many_webhooks") == (answer.status_code, answer.get_json()["code"])
    create(client, admin)
    client.delete(f"/webhooks/{made[0]['id']}", headers=pos)
    create(client, pos)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "created_from"),
        ({"created_from": "yesterday"}, "created_from"),
        ({"created_from": "2026-01-01T00:00:00Z", "status": "lost"}, "status"),
        ({"created_from": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}, "until"),
    ],
    ids=str,
)
def test_which_messages_go_again_has_to_be_said(client: FlaskClient, admin: Headers, body: Any, field: str) -> None:
    path = f"/webhooks/{create(client, admin)['id']}/redeliver"
    answer = client.post(path, json=body, headers=admin)
    assert (422, [field]) == (answer.status_code, [error["field"] for error in answer.get_json()["errors"]])


@pytest.mark.shares_bar
def test_what_is_not_there_is_not_found(client: FlaskClient, admin: Headers) -> None:
    path = f"/webhooks/{create(client, admin)['id']}/deliveries/{NOWHERE}"
    assert [404, 404] == [
        client.get(path, headers=admin).status_code,
        client.post(f"{path}/redeliver", headers=admin).status_code,
    ]
