"""The headers that we read and those that we answer with."""

from collections.abc import Iterable
from typing import Any

from shakerqueue.api.fields import IDEMPOTENCY_KEY, MAX_DIGITS

REQUEST_HEADERS: dict[str, dict[str, Any]] = {
    "Idempotency-Key": {
        "description": "A name of the client's own for this request: repeated under it, the order is the same order.",
        "schema": {
            "type": "string",
            "pattern": IDEMPOTENCY_KEY.pattern.replace(r"\Z", "$"),
        },
        "example": "till-3/2026-11-07/0412",
    },
    "Last-Event-ID": {
        "description": "The id of the last event that was read: a stream goes on after it.",
        "schema": {"type": "string", "pattern": f"^[0-9]{{1,{MAX_DIGITS}}}$"},
        "example": "4711",
    },
    "If-None-Match": {
        "description": "The `ETag` of what the client has: where it still holds, the answer is 304.",
        "schema": {"type": "string"},
        "example": '"c0ffee"',
    },
    "webhook-id": {
        "description": "The message's own id, the same however often it comes.",
        "schema": {"type": "string"},
        "example": "msg_5b4a1c9e7d0f8c3b9a216f0e4d2c1b3a",
    },
    "webhook-timestamp": {
        "description": "When this attempt was signed, in seconds since 1970.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "1794084312",
    },
    "webhook-signature": {
        "description": "`v1,` and the signature; two of them while a secret is rotated, with a blank between.",
        "schema": {"type": "string"},
        "example": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    },
    "Sec-Fetch-Site": {
        "description": "Browsers set it: only a page of our own may do this. Without it, `Origin` has to fit.",
        "schema": {"type": "string", "enum": ["same-origin"]},
        "example": "same-origin",
    },
}

RESPONSE_HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "The request's name in our logs: the one that was sent, if it could be used, or a new one.",
        "required": True,
        "schema": {"type": "string"},
        "example": "4b1d0c6f9e0a4f0b8a3c2d1e0f9a8b7c",
    },
    "Location": {
        "description": "Where it is found from now on.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
        "example": "/orders/5b4a1c9e-7d0f-8c3b-9a21-6f0e4d2c1b3a",
    },
    "Idempotent-Replayed": {
        "description": "There, and `true`, where an earlier request placed this order.",
        "schema": {"type": "string", "enum": ["true"]},
        "example": "true",
    },
    "Retry-After": {
        "description": "After how many seconds to try again.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 1,
    },
    "RateLimit": {
        "description": "How many more requests there may be (`r`), and for how many seconds that holds (`t`).",
        "schema": {"type": "string"},
        "example": '"principal";r=987;t=4',
    },
    "RateLimit-Policy": {
        "description": "By which limit this request was counted: so many requests (`q`) in so many seconds (`w`).",
        "schema": {"type": "string"},
        "example": '"principal";q=1000;w=10',
    },
    "WWW-Authenticate": {
        "description": "How to say who is asking; on 403, which scope the key lacks.",
        "required": True,
        "schema": {"type": "string"},
        "example": "Bearer",
    },
    "Allow": {
        "description": "The methods that the path takes.",
        "required": True,
        "schema": {"type": "string"},
        "example": "GET, HEAD, OPTIONS",
    },
    "ETag": {
        "description": "The tag of exactly this answer, for `If-None-Match`.",
        "required": True,
        "schema": {"type": "string"},
        "example": '"c0ffee"',
    },
    "Content-Disposition": {
        "description": "Under which name to save a file.",
        "schema": {"type": "string"},
        "example": "attachment; filename=service-2026-11-07-to-2026-11-07.csv",
    },
    "Set-Cookie": {
        "description": "The session's tokens, or their end, for the browser.",
        "required": True,
        "schema": {"type": "string"},
        "example": "__Host-access_token=…; Secure; HttpOnly; Path=/; SameSite=Strict",
    },
}


def answered_with(names: Iterable[str]) -> dict[str, Any]:
    """The headers of an answer, as they stand in the document."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def sometimes_answered_with(names: Iterable[str]) -> dict[str, Any]:
    """Headers that come with some answers of a status only."""
    return {name: {**RESPONSE_HEADERS[name], "required": False} for name in names}


def taken(names: Iterable[str]) -> list[dict[str, Any]]:
    """The headers of a request, as parameters of an operation."""
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def parameter_components() -> dict[str, dict[str, Any]]:
    return {name: {"name": name, "in": "header", "required": False, **said} for name, said in REQUEST_HEADERS.items()}
