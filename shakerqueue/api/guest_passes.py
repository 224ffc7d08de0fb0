"""Guests without an account: how a table's link lets them in, and how much they may order at once."""

from typing import Any

from shakerqueue.api.problems import FieldError, Problem, unauthorized
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.guest_passes import AccountSignedIn, LinkNotGood, TooManyGuests
from shakerqueue.sessions import SessionEnded, SignIn
from shakerqueue.table_links import ForeignTableLink, TableLink, derived_secret

MAX_DRINKS = 12


def link_secret() -> bytes:
    """What the links of the tables are signed with."""
    return derived_secret(services().order_id_secret.read(request_deadline()))


def guest_pass(link: str, refresh_token: str) -> SignIn:
    """A pass by this link, for the browser that holds this refresh token.

    Raises:
        Problem: 404, the link is not good, whyever; 409, 429 and 401 as `GuestPasses.open` says.
    """
    try:
        table_link = TableLink.parse(link_secret(), link)
        with services().database.connection(request_deadline()) as conn:
            return services().guest_passes.open(conn, table_link, refresh_token)
    except (ForeignTableLink, LinkNotGood):
        raise Problem(404, "This code is no longer good; ask at the bar.", code="link_not_good") from None
    except AccountSignedIn as error:
        detail = f"This browser is signed in as {error.username}: go on so, or sign out first."
        raise Problem(409, detail, code="signed_in") from None
    except TooManyGuests as error:
        headers = {"Retry-After": str(error.retry_after_seconds)}
        raise Problem(429, "Too many guests came by this code lately; ask at the bar.", headers=headers) from None
    except SessionEnded:
        raise unauthorized("This pass has just ended; scan the code again.") from None


def guests_ticket(table: str, body: dict[str, Any]) -> str:
    """The ticket of an order that a table's guest places: the table's label.

    Raises:
        Problem: 422 naming the field: another ticket, or too many drinks.
    """
    if body["ticket"] not in (None, table):
        raise _refusal("ticket", "not_your_table", f"You order for {table}.")
    if sum(line["quantity"] for line in body.get("items", [])) > MAX_DRINKS:
        raise _refusal("items", "too_many_drinks", f"At most {MAX_DRINKS} drinks at once; for more, ask at the bar.")
    return table


def _refusal(field: str, code: str, detail: str) -> Problem:
    return Problem(422, detail, code=code, errors=[FieldError(field, code, detail)])
