"""Who asks for what in the request at hand: on each of its log lines and on its span.

The server's threads serve one request after the other, so the context is cleared before and after each.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from structlog.contextvars import bind_contextvars, clear_contextvars

from shakerqueue.api.principals import Principal
from shakerqueue.telemetry import tracing


def begin(request_id: str, path_arguments: Mapping[str, Any]) -> None:
    """The context of a request that has just come."""
    clear_contextvars()
    _note(request_id=request_id)
    if "order_id" in path_arguments:
        note_orders([path_arguments["order_id"]])


def end(_: BaseException | None = None) -> None:
    """Nothing that follows in this thread belongs to the request."""
    clear_contextvars()


def note_principal(who: Principal) -> None:
    """Who asks, whether they may or not."""
    _note(principal_id=str(who.id))
    if who.is_program:
        _note(api_key_id=str(who.credential_id))


def note_orders(order_ids: Collection[UUID]) -> None:
    """Which orders the request is about."""
    if len(order_ids) == 1:
        _note(order_id=str(*order_ids))
    elif order_ids:
        bind_contextvars(order_ids=[str(order_id) for order_id in order_ids])


def _note(**values: str) -> None:
    bind_contextvars(**values)
    if tracing.is_on():
        tracing.current().set_attributes({f"shakerqueue.{name}": value for name, value in values.items()})
