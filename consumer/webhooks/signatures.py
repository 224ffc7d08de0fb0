"""How a receiver knows that a message is ours: Standard Webhooks 1.0, symmetric signatures."""

import base64
import hmac
from collections.abc import Iterable
from uuid import UUID

from shakerqueue.webhook_messages import message_id


def signed_headers(delivery_id: UUID, body: bytes, secrets: Iterable[bytes], unix_seconds: int) -> dict[str, str]:
    """The three headers that the specification names, with a signature per secret that is good at the moment."""
    id = message_id(delivery_id)
    signed = f"{id}.{unix_seconds}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in secrets)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(unix_seconds),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
