"""A small server for webhooks: it verifies, writes down, answers, and only then does what may take long."""

from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from .news import News, from_webhook
from .store import Store

MAX_BODY_BYTES = 64 * 1024
IDLE_SECONDS = 10.0

Report = Callable[[Store, list[News]], None]


def listen(host: str, port: int, secret: str, open_store: Callable[[], Store], report: Report) -> None:
    """Receive webhooks until interrupted. Each is handled on a thread of its own, with a store of its own."""
    webhook = Webhook(secret)

    class Handler(BaseHTTPRequestHandler):
        timeout = IDLE_SECONDS

        def do_POST(self) -> None:
            length = _length(self.headers["Content-Length"])
            if isinstance(length, HTTPStatus):
                return self._answer(length)
            body = self.rfile.read(length)  # byte for byte as it came: that is what was signed
            try:
                message = webhook.verify(body, dict(self.headers))
            except (WebhookVerificationError, ValueError):  # ValueError: a signature that is not even one
                self._answer(HTTPStatus.UNAUTHORIZED)
            else:
                self._take_in(message)

        def _take_in(self, message: dict[str, Any]) -> None:
            with open_store() as store:
                fresh = hear(store, self.headers["webhook-id"], message)
                self._answer(HTTPStatus.NO_CONTENT)  # it is safe now; whoever answers late gets it again
                report(store, fresh)

        def _answer(self, status: HTTPStatus) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing of each request."""

    with ThreadingHTTPServer((host, port), Handler) as server:
        print(f"Listening for webhooks on http://{host}:{server.server_port}/", flush=True)
        server.serve_forever()


def _length(given: str | None) -> int | HTTPStatus:
    """How many bytes to read, or why none: whoever sends is not known before the body was read."""
    if given is None:
        return HTTPStatus.LENGTH_REQUIRED
    try:
        length = int(given)
    except ValueError:
        return HTTPStatus.BAD_REQUEST
    if length < 0:
        return HTTPStatus.BAD_REQUEST
    return length if length <= MAX_BODY_BYTES else HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def hear(store: Store, webhook_id: str, message: dict[str, Any]) -> list[News]:
    """Take a message in; what of it was new: nothing of one that came before, or that comes too late."""
    with store.transaction():
        return store.tell(from_webhook(message)) if store.is_first(webhook_id) else []
