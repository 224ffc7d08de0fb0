"""Every `code` that an error can have: the status it comes with, what it means, and an example of it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from shakerqueue.api.problems import FieldError, Problem

EXAMPLE_REQUEST_ID = "4b1d0c6f9e0a4f0b8a3c2d1e0f9a8b7c"


class ProblemCode(NamedTuple):
    """One kind of error. `field` is the wrong field of the example, `extra` the members that only this kind has."""

    status: int
    means: str
    field: str | None = None
    extra: Mapping[str, Any] = {}


PROBLEM_CODES: Mapping[str, ProblemCode] = {
    # What the kind of request brings with it.
    "bad_request": ProblemCode(400, "The body is not JSON as we accept it."),
    "unauthorized": ProblemCode(401, "Nobody whom we know: no credentials, or none that are good."),
    "forbidden": ProblemCode(403, "Whoever asks may not do this."),
    "cross_origin": ProblemCode(403, "A cookie came with it, and no page of our own sent it."),
    "insufficient_scope": ProblemCode(403, "The API key lacks the scope; `WWW-Authenticate` names it."),
    "not_found": ProblemCode(404, "There is no such thing, or not for whoever asks."),
    "method_not_allowed": ProblemCode(405, "The path takes other methods; `Allow` names them."),
    "conflict": ProblemCode(409, "It was changed at the same time: look again, and repeat it."),
    "body_too_large": ProblemCode(413, "The body is over 64 KiB; over 1 MiB, where it is a batch."),
    "unsupported_media_type": ProblemCode(415, "The body does not say that it is application/json."),
    "invalid": ProblemCode(422, "Some fields, or query parameters, are not as they must be.", field="limit"),
    "too_many_requests": ProblemCode(429, "Too many of these lately; `Retry-After` says when to try again."),
    "unavailable": ProblemCode(503, "A part of the service is away. Repeat it after `Retry-After`."),
    # Orders.
    "bar_closed": ProblemCode(
        409,
        "The bar takes no orders right now; `reopens_at` where that is known.",
        extra={"reason": "Stock-taking", "reopens_at": "2026-11-07T18:00:00+00:00"},
    ),
    "sold_out": ProblemCode(409, "A drink is sold out.", field="items.0.recipe"),
    "unknown_recipe": ProblemCode(422, "There is no such drink on the menu.", field="items.0.recipe"),
    "idempotency_conflict": ProblemCode(422, "The key stands for another order.", field="Idempotency-Key"),
    "not_your_table": ProblemCode(422, "A table's guest orders for that table.", field="ticket"),
    "too_many_drinks": ProblemCode(422, "More drinks than a table's guest may order at once.", field="items"),
    "not_persisted_yet": ProblemCode(409, "The order is accepted, but not stored yet. Repeat it after `Retry-After`."),
    "invalid_transition": ProblemCode(
        409, "Not possible in the present status; `allowed` says what is.", extra={"allowed": ["start", "cancel"]}
    ),
    # Accounts.
    "taken": ProblemCode(409, "Somebody has this name or address already.", field="username"),
    "wrong_password": ProblemCode(
        422, "This is not the password; `attempts_left` before none is looked at.", "password", {"attempts_left": 4}
    ),
    "wrong_pin": ProblemCode(
        422, "This is not the PIN; `attempts_left` before none is looked at.", "pin", {"attempts_left": 4}
    ),
    "unknown_integration": ProblemCode(422, "There is no such integration, or it is disabled.", "integration_id"),
    "last_admin": ProblemCode(409, "The last admin cannot be demoted or disabled."),
    "not_a_person": ProblemCode(409, "Integrations and tables' guests have one role for ever."),
    "link_not_good": ProblemCode(404, "The table's link is no longer good, or never was."),
    "signed_in": ProblemCode(409, "This browser is signed in with an account: go on so, or sign out first."),
    # Webhooks.
    "target_refused": ProblemCode(422, "Nothing is sent to such an address.", field="url"),
    "too_many_webhooks": ProblemCode(409, "There are as many webhooks as there may be; delete one first."),
    "disabled": ProblemCode(409, "The webhook is disabled: nothing is sent to it."),
    # Recipes.
    "name_taken": ProblemCode(409, "Another recipe has this name.", field="name"),
    "archived": ProblemCode(409, "The recipe is archived."),
    "not_counted": ProblemCode(409, "The drinks are not counted: set `remaining` first.", field="remaining_delta"),
    "too_few_left": ProblemCode(409, "Fewer than that are left.", field="remaining_delta"),
}


def example_of(code: str) -> dict[str, Any]:
    """A whole answer of this kind."""
    said = PROBLEM_CODES[code]
    errors = [FieldError(said.field, code, said.means)] if said.field else []
    return Problem(said.status, said.means, code=code, errors=errors, **said.extra).body(EXAMPLE_REQUEST_ID)
