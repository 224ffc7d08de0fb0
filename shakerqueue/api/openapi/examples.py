"""Examples of what is sent and answered, put together from examples of their members."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from shakerqueue.api.openapi.problem_codes import example_of

JSONSchema = Mapping[str, Any]

ORDER_ID = "5b4a1c9e-7d0f-8c3b-9a21-6f0e4d2c1b3a"
USER_ID = "7f1c2f3e-1d54-4f5e-9c52-0a4d8a0f6b11"
KEY_ID = "d2b1f7c4-3a56-4e0d-8f19-5c7e2a9b6d40"
INTEGRATION_ID = "a4e6c8b2-91d3-4f7a-b05e-2d8c6f1a3e57"
ADMIN_ID = "3c5d7e9f-2b4a-4681-9c0d-7e1f3a5b8d26"
BARTENDER_ID = "0c9f5a3e-6a0f-4a4e-8b1d-2f4f7d1f9e22"
PLACED_AT = "2026-11-07T20:41:07.215000+00:00"
DUE_AT = "2026-11-07T20:46:07.215000+00:00"
STARTED_AT = "2026-11-07T20:43:30.002000+00:00"
MADE_AT = "2026-11-07T20:45:12.730000+00:00"

# By the name of a member, wherever it stands; by "Schema.member" where one means another thing.
MEMBERS: dict[str, Any] = {
    "message_id": "msg_5b4a1c9e7d0f8c3b9a216f0e4d2c1b3a",
    "url": "https://till.example/hooks",
    "types": ["order.complete", "order.failed"],
    "enabled": True,
    "disabled_reason": None,
    "integration_id": USER_ID,
    "previous_secret_until": None,
    "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDT9NWPBB4wRc=",
    "description": "The till's",
    "sequence": 2,
    "next_attempt_at": None,
    "done_at": MADE_AT,
    "began_at": MADE_AT,
    "duration_seconds": 0.041,
    "status_code": 200,
    "excerpt": None,
    "next_created_from": None,
    "created_from": "2026-11-07T05:00:00+00:00",
    "created_until": "2026-11-08T05:00:00+00:00",
    "after": 4711,
    "age_seconds": 94.2,
    "allergens": [],
    "attempts": 3,
    "begins_at": "2026-11-07T05:00:00+00:00",
    "body": '{"v":1,"orders":[]}',
    "broker": "ok",
    "build": "sour",
    "business_day": "2026-11-07",
    "canceled_by": USER_ID,
    "canceled_by_username": "ada",
    "claim_expires_at": "2026-11-07T20:58:30.002000+00:00",
    "claimed_by": None,
    "claimed_by_username": None,
    "closes_at": None,
    "completed_at": None,
    "count": 2,
    "database": "ok",
    "detail": {},
    "due_at": DUE_AT,
    "email": "ada@example.com",
    "ends_at": "2026-11-08T05:00:00+00:00",
    "error": None,
    "estimated_ready_at": "2026-11-07T20:45:30+00:00",
    "expires_in": 900,
    "expires_at": None,
    "external_id": "till-3/0412",
    "failed_after": "2026-11-07T05:00:00+00:00",
    "failed_before": "2026-11-08T05:00:00+00:00",
    "from": "2026-11-07",
    "hour": 20,
    "id": ORDER_ID,
    "key": "sqk_p7QmZt3xKd_h2VwRk9sLbN4yTgXcJ6fMqPz8DnAeUvE",
    "last_used_at": PLACED_AT,
    "labels": ["1", "2", "Terrace 4"],
    "label": "Terrace 4",
    "limit": 50,
    "link": "https://bar.example/t/AZGk2b7XcWm5",
    "modifiers": ["extra lime"],
    "name": "Margarita",
    "next_cursor": None,
    "note": "no salt",
    "number": 1,
    "oldest_age_seconds": 94.2,
    "order_note": None,
    "parts": {"database": "ok", "broker": "ok", "consumer": "ok", "menu": "ok"},
    "password": "correct horse battery staple",
    "old_password": "the one before",
    "pin": "4825",
    "place_in_line": 3,
    "prefix": "sqk_p7QmZt3xKd",
    "prep_seconds": 90,
    "priority": 5,
    "quantity": 2,
    "reason": "out of limes",
    "recipe": "Margarita",
    "refresh_token": "r1.2bXy5QkP0mV8",
    "remaining": 24,
    "reopens_at": None,
    "role": "customer",
    "scopes": ["orders:read", "orders:write"],
    "share": 0.18,
    "sold_out": ["Piña Colada"],
    "started_at": None,
    "station": "well",
    "served_at": None,
    "table": None,
    "ticket": "T7",
    "time_zone": "Europe/Berlin",
    "to": "2026-11-07",
    "token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3ZjFjMmYzZSJ9.c2lnbmVk",
    "type": "completed",
    "user_id": USER_ID,
    "username": "ada",
    "ApiKey.created_by": ADMIN_ID,
    "ApiKey.id": KEY_ID,
    "Bar.reason": None,
    "CanceledDrink.error": "guest left",
    "CanceledDrink.status": "canceled",
    "Colleague.username": "bartender",
    "DeadLetter.reason": "a foreign key is violated",
    "DeadLetterBody.reason": "a foreign key is violated",
    "Drink.started_at": STARTED_AT,
    "Drink.claimed_by": BARTENDER_ID,
    "Drink.claimed_by_username": "bartender",
    "Drink.status": "in_progress",
    "Event.id": 4711,
    "FailWaiting.reason": "Sold out",
    "Delivery.type": "order.complete",
    "Delivery.status": "delivered",
    "Attempt.detail": "answered 200",
    "DeliveryWithAttempts.type": "order.complete",
    "DeliveryWithAttempts.status": "delivered",
    "DeliveryWithAttempts.body": '{"type": "order.complete", "timestamp": "2026-11-07T20:45:12+00:00", "data": {}}',
    "timestamp": MADE_AT,
    "event_id": 4711,
    "DrinkTold.error": "out of limes",
    "DrinkTold.status": "complete",
    "webhook_id": ORDER_ID,
    "Integration.id": INTEGRATION_ID,
    "Integration.name": "till-1",
    "Ingredient.amount": 50,
    "Ingredient.name": "Tequila",
    "Ingredient.unit": "ml",
    "IssuedApiKey.created_by": ADMIN_ID,
    "IssuedApiKey.id": KEY_ID,
    "IssuedApiKey.last_used_at": None,
    "Liveness.status": "ok",
    "QueueState.ready": 0,
    "QueuedOrder.status": "queued",
    "ReadyDrink.claimed_by": BARTENDER_ID,
    "ReadyDrink.claimed_by_username": "bartender",
    "ReadyDrink.claim_expires_at": None,
    "ReadyDrink.completed_at": MADE_AT,
    "ReadyDrink.started_at": STARTED_AT,
    "ReadyDrink.status": "complete",
    "RecipeCount.pending": 4,
    "RecipeIngredient.amount": 50,
    "RecipeIngredient.name": "Tequila",
    "RecipeIngredient.unit": "ml",
    "TableLink.link": "AZGk2b7XcWm5",
}
# Where one example put together from members would be none, or would not show what there is to choose.
WHOLE: dict[str, dict[str, Any]] = {
    "PlaceOrder": {
        "one drink": {"recipe": "Margarita"},
        "a round": {
            "items": [
                {"recipe": "Margarita", "quantity": 2, "note": "no salt", "modifiers": ["extra lime"]},
                {"recipe": "Negroni"},
            ],
            "ticket": "T7",
            "external_id": "till-3/0412",
        },
    },
    "RecipeChange": {
        "86'd": {"available": False},
        "a crate came in": {"remaining_delta": 24},
        "the build's own time again": {"prep_seconds": None},
    },
    "BarChange": {  # no times: they have to be ahead
        "closed": {"accepting": False, "reason": "Stock-taking"},
        "open": {"accepting": True},
    },
    "DeadLetterChoice": {
        "by reason": {"reason": "a foreign key is violated", "limit": 50, "dry_run": True},
        "all": {"all": True},
    },
    "NewApiKey": {
        "a new integration": {"integration": "till-1", "scopes": ["orders:write", "orders:read"]},
        "another key": {
            "integration_id": INTEGRATION_ID,
            "scopes": ["orders:write"],
            "expires_at": "2099-01-01T00:00:00Z",
        },
    },
    "OrderBatch": {
        "after being offline": {
            "orders": [
                {"idempotency_key": "till-3/0412", "recipe": "Margarita", "external_id": "till-3/0412"},
                {"idempotency_key": "till-3/0413", "items": [{"recipe": "Negroni", "quantity": 2}], "ticket": "T7"},
            ]
        },
    },
    "WebhookChange": {"on again": {"enabled": True}, "other types": {"types": ["order.complete"]}},
    "RightsChange": {"another role": {"role": "employee"}, "shut out": {"disabled": True}},
    "Claim": {"the next one": {}, "up to three of a kind": {"max": 3, "station": "well"}},
    "Reason": {"without a word": {}, "with a reason": {"reason": "guest left"}},
}
ACCEPTED_ORDER = {
    "idempotency_key": "till-3/0412",
    "status": 202,
    "replayed": False,
    "order": {
        "id": ORDER_ID,
        "status": "queued",
        "placed_at": PLACED_AT,
        "items": [{"number": 1, "recipe": "Margarita"}],
    },
}
BY_FORMAT = {"uuid": ORDER_ID, "date-time": PLACED_AT, "date": "2026-11-07", "uri": "urn:shakerqueue:problem:invalid"}
BY_TYPE: dict[str, Any] = {"integer": 1, "number": 42.5, "boolean": False, "string": "text", "object": {}}
FILES = {
    "text/csv": "recipe,sold\r\nMargarita,24\r\n",
    "text/event-stream": 'id: 4711\nevent: completed\ndata: {"id": 4711, "number": 1}\n\n',
    "image/svg+xml": '<svg xmlns="http://www.w3.org/2000/svg"/>',
}
REFERENCE = "#/components/schemas/"


def outcome_examples(codes: Iterable[str]) -> dict[str, Any]:
    """A batch of which one order was taken, and one was not: one example a code."""
    return {code: {"value": {"orders": [ACCEPTED_ORDER, _failed(example_of(code))]}} for code in codes}


def _failed(problem: dict[str, Any]) -> dict[str, Any]:
    return {"idempotency_key": "till-3/0413", "status": problem["status"], "error": problem}


def add_examples(document: dict[str, Any]) -> dict[str, Any]:
    """The document with an example at every body that has none."""
    schemas = document["components"]["schemas"]
    for kind, path in document["webhooks"].items():
        _add_message(kind, path["post"]["requestBody"]["content"]["application/json"], schemas)
    for media_type, content in _bodies(document):
        if media_type in FILES:
            content.setdefault("example", FILES[media_type])
        elif "examples" not in content:
            content["examples"] = {name: {"value": value} for name, value in _examples(content["schema"], schemas)}
    return document


def _add_message(kind: str, content: dict[str, Any], schemas: Mapping[str, JSONSchema]) -> None:
    """An example of a webhook's message: several types have one form."""
    message = {**example(content["schema"], schemas), "type": kind}
    subject, _, status = kind.partition(".")
    if subject == "order" and "status" in message["data"]:
        message["data"]["status"] = status
    content["examples"] = {kind: {"value": message}}


def _bodies(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for operations in document["paths"].values():
        for operation in operations.values():
            for body in (operation.get("requestBody", {}), *operation["responses"].values()):
                yield from body.get("content", {}).items()


def _examples(schema: JSONSchema, schemas: Mapping[str, JSONSchema]) -> Iterator[tuple[str, Any]]:
    """Each alternative by name."""
    for one in schema.get("oneOf", [schema]):
        name = one.get("$ref", "any").removeprefix(REFERENCE)
        yield from WHOLE[name].items() if name in WHOLE else [(name, example(one, schemas))]


def example(schema: JSONSchema, schemas: Mapping[str, JSONSchema]) -> Any:
    """What the schema's members are examples of, put together."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REFERENCE)
        return _object(schemas[name], name, schemas)
    if "anyOf" in schema:
        return example(schema["anyOf"][0], schemas)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    if kind == "array":
        return [example(schema["items"], schemas)]
    return BY_FORMAT.get(schema.get("format", ""), BY_TYPE[kind])


def _object(schema: JSONSchema, name: str, schemas: Mapping[str, JSONSchema]) -> dict[str, Any]:
    return {member: _member(f"{name}.{member}", member, said, schemas) for member, said in schema["properties"].items()}


def _member(full_name: str, member: str, schema: JSONSchema, schemas: Mapping[str, JSONSchema]) -> Any:
    for name in (full_name, member):
        if name in MEMBERS and not _is_nested(schema):
            return MEMBERS[name]
    return example(schema, schemas)


def _is_nested(schema: JSONSchema) -> bool:
    """A member that holds objects: those are put together in their turn."""
    return any("$ref" in each for each in (schema, schema.get("items", {}), *schema.get("anyOf", [])))
