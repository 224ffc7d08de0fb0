"""Our signatures, read by the library of the specification that receivers use."""

import time
from uuid import UUID

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from consumer.webhooks.signatures import signed_headers
from shakerqueue.webhooks import new_secret, shown_secret

BODY = '{"type": "order.complete", "data": {"note": "für dich 🍸"}}'.encode()
ID = UUID(int=7)


def test_a_receiver_verifies_what_we_sign() -> None:
    secret = new_secret()
    headers = signed_headers(ID, BODY, [secret], int(time.time()))
    assert "order.complete" == Webhook(shown_secret(secret)).verify(BODY, headers)["type"]
    assert f"msg_{ID.hex}" == headers["webhook-id"]


def test_while_a_secret_is_rotated_both_verify() -> None:
    new, old = new_secret(), new_secret()
    headers = signed_headers(ID, BODY, [new, old], int(time.time()))
    for secret in (new, old):
        Webhook(shown_secret(secret)).verify(BODY, headers)


@pytest.mark.parametrize("altered", ["body", "id", "secret", "time"])
def test_what_is_altered_or_old_is_refused(altered: str) -> None:
    secret = new_secret()
    headers = signed_headers(ID, BODY, [secret], int(time.time()) - (400 if altered == "time" else 0))
    body = BODY + b" " if altered == "body" else BODY
    if altered == "id":
        headers["webhook-id"] += "0"
    with pytest.raises(WebhookVerificationError):
        Webhook(shown_secret(new_secret() if altered == "secret" else secret)).verify(body, headers)
