"""The short way of the commonest request: a good order, answered 202 without what Flask does for any request.

The checks are those of the route in orders.py, by the same functions and the same schema. Whatever is not plainly good
is left to that route: it refuses, and it answers repeats. So there is one contract, and nothing of it is said twice.
docs/performance.md has what this saves.
"""

from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

from flask import Flask, g

from shakerqueue.api import rate_limits, request_context, request_metrics, requests
from shakerqueue.api.fields import is_idempotency_key
from shakerqueue.api.guards import bearer_principal, entitled
from shakerqueue.api.idempotency import stored_order
from shakerqueue.api.json_bodies import MAX_BODY_BYTES
from shakerqueue.api.order_json import queued_json
from shakerqueue.api.placing import Placement, placed_order, placement_of, terms_for
from shakerqueue.api.problems import refusal
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.schemas import PlaceOrderSchema
from shakerqueue.api.services import services
from shakerqueue.messaging.messages import OrderPlaced
from shakerqueue.roles import PEOPLE
from shakerqueue.scopes import Scope

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH, METHOD, ACCEPTED = "/orders", "POST", "202 ACCEPTED"

_schema = PlaceOrderSchema()


class NotPlain(Exception):
    """This request goes the usual way."""


class ExpressOrders:
    """The application, with good orders taken out before it."""

    def __init__(self, app: Flask, answer_headers: Mapping[str, str]) -> None:
        """`answer_headers` are those that each answer has which is data."""
        self._app = app
        self.usual_way: WSGIApplication = app.wsgi_app
        self._headers = answer_headers

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        length = plain_length(environ)
        if length is None:
            return self.usual_way(environ, start_response)
        body = environ["wsgi.input"].read(length)
        try:
            with self._app.app_context():
                return self._place(environ, body, start_response)
        except NotPlain:
            environ["wsgi.input"] = BytesIO(body)
            return self.usual_way(environ, start_response)
        finally:
            request_context.end()

    def _place(self, environ: "WSGIEnvironment", body: bytes, start_response: "StartResponse") -> Iterable[bytes]:
        requests.begin(environ.get("HTTP_X_REQUEST_ID", ""), {})
        order = self._good_order(environ, body)
        request_context.note_orders([order.id])
        try:
            services().acceptance.accept(order, request_deadline())
        except Exception as error:  # noqa: BLE001 - what nobody foresaw is answered, too
            return self._refuse(error, environ, start_response)
        answer = self._app.json.dumps(queued_json(order), separators=(",", ":")).encode() + b"\n"
        self._end(202)
        of_body = {"Content-Type": "application/json", "Content-Length": str(len(answer))}
        headers = {**of_body, "Location": f"{PATH}/{order.id}", **self._headers, **_own_headers()}
        start_response(ACCEPTED, list(headers.items()))
        return [answer]

    def _good_order(self, environ: "WSGIEnvironment", body: bytes) -> OrderPlaced:
        """The order, of somebody who may, with one more request of theirs counted.

        Raises:
            NotPlain: it is not good, or was placed before.
        """
        try:
            who = entitled(bearer_principal(environ["HTTP_AUTHORIZATION"]), PEOPLE, Scope.ORDERS_WRITE)
            asked: Any = self._app.json.loads(body)
            wanted = _schema.load(asked)
            placement = placement_of(who, _key(environ), asked)
            _check_is_new(placement)
            order = placed_order(placement, wanted, terms_for(placement.role, [wanted], request_deadline()))
            rate_limits.count_principal(who)
        except Exception:  # noqa: BLE001 - whatever it is, the usual way meets it as well, and says so
            raise NotPlain from None
        return order

    def _refuse(self, error: Exception, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Not left to the usual way: under a key of our own that would be another order."""
        response = refusal(error)
        response.headers.update({**self._headers, **_own_headers()})
        self._end(response.status_code)
        return response(environ, start_response)

    @staticmethod
    def _end(status: int) -> None:
        request_metrics.observe(PATH, METHOD, status)
        requests.tell(METHOD, PATH, status)


def plain_length(environ: "WSGIEnvironment") -> int | None:
    """The length of the body of a request that may go this way; None of any other."""
    if environ["PATH_INFO"] != PATH or environ["REQUEST_METHOD"] != METHOD:
        return None
    length: str = environ.get("CONTENT_LENGTH", "")
    plain = (
        environ.get("CONTENT_TYPE") == "application/json"
        and "HTTP_AUTHORIZATION" in environ
        and not environ.get("SCRIPT_NAME")
        and not environ.get("QUERY_STRING")
        and "HTTP_TRANSFER_ENCODING" not in environ
        and length.isascii()
        and length.isdecimal()
    )
    return int(length) if plain and int(length) <= MAX_BODY_BYTES else None


def _key(environ: "WSGIEnvironment") -> str | None:
    key: str | None = environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is not None and not is_idempotency_key(key):
        raise NotPlain
    return key


def _check_is_new(placement: Placement) -> None:
    if stored_order(placement):
        raise NotPlain


def _own_headers() -> dict[str, str]:
    """What the answers to no two requests have alike."""
    return {"X-Request-Id": g.request_id, **rate_limits.answer_headers()}
