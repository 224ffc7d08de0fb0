"""The example POS at the real processes: whatever is lost, late or said twice, each check is one order, and known."""

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from dev.ports import LOOPBACK
from examples.pos import sending
from examples.pos.__main__ import main
from examples.pos.store import Store
from shakerqueue.failpoints import Failpoint
from tests.support.bar import Bar, free_port, sign_in
from tests.support.tours import REPOSITORY
from tests.support.waiting import eventually

SCOPES = ["orders:write", "orders:read", "webhooks:write"]
TYPES = ["order.in_progress", "order.complete", "drink.started", "drink.completed"]
OFFLINE = f"http://{LOOPBACK}:9"
NO_PATIENCE = ["--patience", "0"]
ACCEPTED = {"status": 202, "order": {"id": "an order", "placed_at": "2026-11-23T12:00:00+00:00", "items": []}}


@dataclass
class Till:
    """A till's command line. `environment` says where its bar is."""

    environment: dict[str, str]
    folder: Path

    def run(self, *arguments: str) -> int:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            return main(list(arguments))

    @contextmanager
    def running(self, *arguments: str) -> Iterator[Path]:
        """A command that goes on until it is ended; what it prints."""
        said = self.folder / f"{arguments[0]}.txt"
        with (
            said.open("ab") as output,
            subprocess.Popen(
                [sys.executable, "-m", "examples.pos", *arguments],
                cwd=REPOSITORY,
                env={**os.environ, **self.environment},
                stdout=output,
                stderr=output,
            ) as process,
        ):
            try:
                yield said
            finally:
                process.terminate()


@pytest.fixture
def api(bar: Bar) -> Iterator[httpx.Client]:
    """The API and the consumer, with failpoints."""
    failpoints = bar.folder / "failpoints"
    failpoints.mkdir()
    bar.extra_environment["FAILPOINTS_DIR"] = str(failpoints)
    with bar.api() as client, bar.process("consume"):
        yield client


@pytest.fixture
def bartender(api: httpx.Client) -> dict[str, str]:
    return sign_in(api, "bartender@example.com")


@pytest.fixture
def till(api: httpx.Client, tmp_path: Path) -> Till:
    body = {"integration": "till-1", "scopes": SCOPES}
    made = api.post("/api-keys", json=body, headers=sign_in(api, "admin@example.com")).json()
    store = str(tmp_path / "till.sqlite")
    return Till({"BAR_URL": str(api.base_url), "BAR_KEY": made["key"], "TILL_STORE": store}, tmp_path)


@pytest.fixture
def offline(till: Till) -> Till:
    """The same till while the bar cannot be reached."""
    return Till({**till.environment, "BAR_URL": OFFLINE}, till.folder)


def orders_of(bar: Bar) -> list[str]:
    return [str(row[0]) for row in bar.query("SELECT id FROM orders ORDER BY placed_at")]


def stored(bar: Bar, count: int = 1) -> list[str]:
    """The ids of so many orders, once they are there."""
    eventually(lambda: count == len(orders_of(bar)))
    return orders_of(bar)


def batches(bar: Bar) -> int:
    """How many batches the API was sent."""
    return (bar.folder / "serve.log").read_text("utf-8").count('"path": "/orders/batch"')


def act(api: httpx.Client, who: dict[str, str], order_id: str, verb: str) -> None:
    answer = api.post(f"/orders/{order_id}/{verb}", headers=who)
    assert 200 == answer.status_code, answer.text


def said(output: Path) -> list[str]:
    return output.read_text("utf-8").splitlines()


def test_a_check_whose_answer_was_lost_is_sent_again_and_is_one_order(bar: Bar, till: Till) -> None:
    (bar.folder / "failpoints" / Failpoint.REPLY).write_text("kill")
    assert 0 == till.run("sell", "Negroni", "--quantity", "2", "--ticket", "T7", *NO_PATIENCE)
    assert 0 == till.run("sync")
    [order_id] = stored(bar)
    assert 0 == till.run("sync")
    assert [order_id] == orders_of(bar)
    assert [("till-1-1", "T7")] == bar.query("SELECT external_id, ticket FROM orders")
    assert [(2,)] == bar.query("SELECT count(*) FROM order_items WHERE recipe = 'Negroni'")


def test_the_checks_of_an_outage_are_caught_up_in_batches_each_once(
    bar: Bar, till: Till, offline: Till, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(1, 121):
        assert 0 == offline.run("sell", "Margarita", "--ticket", f"T{number}", *NO_PATIENCE)
    assert 1 == offline.run("sync", *NO_PATIENCE)
    assert "120 checks are not sent yet" in capsys.readouterr().out

    assert 0 == till.run("sync")

    assert ["Sent 100 checks.", "Sent 20 checks."] == capsys.readouterr().out.splitlines()[:2]
    assert 2 == batches(bar)
    stored(bar, 120)
    assert [(f"T{number}",) for number in range(1, 121)] == bar.query("SELECT ticket FROM orders ORDER BY placed_at")


def test_a_check_that_the_bar_refuses_is_shown_with_its_field_and_holds_up_no_other(
    bar: Bar, till: Till, offline: Till, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = "items.0.recipe: There is no 'Negronni' on the menu."
    assert 1 == till.run("sell", "Negronni")
    assert wrong in capsys.readouterr().out

    for recipe in ("Negronni", "Negroni"):
        assert 0 == offline.run("sell", recipe, *NO_PATIENCE)
    assert 1 == till.run("sync")
    assert wrong in capsys.readouterr().out.splitlines()[-2]
    assert 1 == len(stored(bar))


def test_a_batch_is_measured_in_bytes(bar: Bar, till: Till) -> None:
    """Each order has 60 kB in a third as many characters: all of them would be too much for one batch."""
    lines = [{"recipe": "Negroni", "quantity": 1, "note": "€" * 500} for _ in range(39)]
    with Store(Path(till.environment["TILL_STORE"])) as store:
        for _ in range(20):
            store.write_down({"items": lines})
    assert 0 == till.run("sync")
    assert 2 == batches(bar)
    stored(bar, 20)


def test_a_batch_that_is_refused_as_a_whole_is_halved_until_the_cashier_sees_the_one_to_blame(
    bar: Bar, till: Till, offline: Till, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sending, "BATCH_BYTES", 10_000_000)  # the till believes that the bar takes more than it does
    for note in ("Dry", "x" * 1_100_000, "Dry"):
        assert 0 == offline.run("sell", "Negroni", "--note", note, *NO_PATIENCE)
    capsys.readouterr()

    assert 1 == till.run("sync", "--patience", "10")

    sent, first, refused, last = capsys.readouterr().out.splitlines()
    assert "Sent 3 checks." == sent
    assert ["accepted", "refused", "accepted"] == [line.split()[1] for line in (first, refused, last)]
    assert "exceeds the capacity limit" in refused
    stored(bar, 2)


@pytest.mark.parametrize(
    "answer",
    [
        "Welcome to our wireless network",
        "[]",
        "{}",
        '{"orders": null}',
        '{"orders": []}',
        '{"orders": ["accepted"]}',
        '{"orders": [{"status": "202", "order": {}}]}',
        '{"orders": [{"status": 202, "order": {}}]}',
        '{"orders": [{"status": 422, "error": {}}]}',
        json.dumps({"orders": [ACCEPTED, ACCEPTED]}),
    ],
)
def test_an_answer_to_a_batch_that_is_not_the_bars_is_no_answer(
    answer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with somebody_else(answer) as url:
        till = Till({"BAR_URL": url, "BAR_KEY": "sqk_key", "TILL_STORE": str(tmp_path / "till.sqlite")}, tmp_path)
        with Store(Path(till.environment["TILL_STORE"])) as store:
            store.write_down({"items": [{"recipe": "Negroni", "quantity": 1}]})
        assert 1 == till.run("sync", *NO_PATIENCE)
    assert "1 checks are not sent yet" in capsys.readouterr().out


@contextmanager
def somebody_else(answer: str) -> Iterator[str]:
    """A server that has no news, and answers this, as JSON, to whatever it is sent; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer('{"events": [], "after": 0, "reset": false}')

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(answer)

        def _answer(self, body: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("command", "setting"),
    [
        (["sell", "Negroni"], "BAR_KEY"),
        (["sync"], "BAR_KEY"),
        (["follow"], "BAR_KEY"),
        (["listen", "--port", "0"], "WEBHOOK_SECRET"),
    ],
)
def test_a_setting_that_is_missing_is_named_in_one_line_and_no_check_is_written(
    command: list[str],
    setting: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv(setting, raising=False)
    till = Till({"TILL_STORE": str(tmp_path / "till.sqlite")}, tmp_path)
    assert 2 == till.run(*command)
    assert f"{setting} is not set: see the settings in examples/pos/README.md.\n" == capsys.readouterr().err
    assert 0 == change(till, "SELECT count(*) FROM checks")


def test_a_refused_key_is_no_word_about_the_check(bar: Bar, till: Till, capsys: pytest.CaptureFixture[str]) -> None:
    another = Till({**till.environment, "BAR_KEY": "sqk_no-key-of-this-bar"}, till.folder)
    assert 1 == another.run("sell", "Negroni")
    assert "refuses this till's key" in capsys.readouterr().err
    assert 0 == till.run("sync")
    assert 1 == len(stored(bar))


def test_after_an_outage_the_till_knows_what_became_of_its_checks(
    bar: Bar, api: httpx.Client, bartender: dict[str, str], till: Till, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        till.run("sell", "Negroni")
    first, second = stored(bar, 2)
    act(api, bartender, first, "complete")
    bar.change(f"DELETE FROM order_events WHERE order_id = '{second}'")
    bar.change(f"DELETE FROM order_items WHERE order_id = '{second}'")
    bar.change(f"DELETE FROM orders WHERE id = '{second}'")  # as after a restore from a backup

    capsys.readouterr()
    assert 0 == till.run("sync")

    sent, made, sent_again = capsys.readouterr().out.splitlines()
    assert "Sent 1 checks." == sent
    assert made.split() == ["till-1-1", "complete", "Negroni", "complete"]
    assert sent_again.split() == ["till-1-2", "accepted", "Negroni"]
    assert [first, second] == stored(bar, 2)


@contextmanager
def listening(bar: Bar, api: httpx.Client, till: Till) -> Iterator[tuple[Path, str, str]]:
    """The till's own receiver, registered: what it prints, its URL and its secret."""
    url = f"http://{LOOPBACK}:{free_port()}/"
    key = {"Authorization": f"Bearer {till.environment['BAR_KEY']}"}
    made = api.post("/webhooks", json={"url": url, "types": TYPES}, headers=key).json()
    till.environment["WEBHOOK_SECRET"] = made["secret"]
    with till.running("listen", "--port", url.rpartition(":")[2].rstrip("/")) as output, bar.process("webhooks"):
        eventually(lambda: said(output), deadline_seconds=20)
        yield output, url, made["secret"]


def test_what_the_bar_tells_by_webhook_is_told_once_and_a_forgery_is_refused(
    bar: Bar, api: httpx.Client, bartender: dict[str, str], till: Till
) -> None:
    key = {"Authorization": f"Bearer {till.environment['BAR_KEY']}"}
    with listening(bar, api, till) as (output, url, _):
        till.run("sell", "Negroni", "--ticket", "T7")
        [order_id] = stored(bar)
        for verb in ("start", "complete"):
            act(api, bartender, order_id, verb)
        told = [
            f"till-1-1 T7: {what} is {status}"
            for status in ("in_progress", "complete")
            for what in ("Negroni", "the order")
        ]
        eventually(lambda: told == said(output)[1:])

        [webhook] = api.get("/webhooks", headers=key).json()["webhooks"]
        again = {"status": "delivered", "created_from": "2020-01-01T00:00:00Z"}
        eventually(lambda: 4 == delivered(api, key, webhook["id"]))
        api.post(f"/webhooks/{webhook['id']}/redeliver", json=again, headers=key)
        eventually(lambda: 8 == bar.query("SELECT count(*) FROM webhook_attempts")[0][0])
        assert 401 == httpx.post(url, json={"type": "order.complete"}).status_code
        assert told == said(output)[1:]


def delivered(api: httpx.Client, key: dict[str, str], webhook_id: str) -> int:
    page = api.get(f"/webhooks/{webhook_id}/deliveries", params={"status": "delivered"}, headers=key).json()
    return len(page["deliveries"])


def test_a_message_that_comes_late_or_again_changes_nothing(bar: Bar, api: httpx.Client, till: Till) -> None:
    with listening(bar, api, till) as (output, url, secret):
        till.run("sell", "Negroni")
        [order_id] = stored(bar)
        for id, sequence, status in (("a", 3, "complete"), ("b", 2, "in_progress"), ("a", 4, "failed")):
            assert 204 == post_signed(url, secret, id, order_id, sequence, status)
        assert ["till-1-1: the order is complete"] == said(output)[1:]


def examples_receiver(_: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "examples.pos", "listen", "--port", str(port)]


def guides_receiver(folder: Path, port: int) -> list[str]:
    guide = (REPOSITORY / "docs" / "pos-integration.md").read_text("utf-8")
    [program] = re.findall(r"cat > receiver\.py <<'PYTHON'\n(.*?)\nPYTHON\n", guide, re.DOTALL)
    (folder / "receiver.py").write_text(program, "utf-8")
    return [sys.executable, str(folder / "receiver.py")]


@pytest.mark.parametrize("command", [examples_receiver, guides_receiver])
def test_a_receiver_reads_no_body_whose_length_it_does_not_know_to_be_small(
    command: Callable[[Path, int], list[str]], tmp_path: Path
) -> None:
    port = free_port()
    settings = {
        "HOOKS_PORT": str(port),
        "WEBHOOK_SECRET": "whsec_c2VjcmV0LW9mLWEtdGVzdA==",
        "TILL_STORE": str(tmp_path / "till.sqlite"),
    }
    with subprocess.Popen(command(tmp_path, port), cwd=REPOSITORY, env={**os.environ, **settings}) as process:
        try:
            eventually(lambda: listens(port), deadline_seconds=20)
            lengths = ["-1", None, "65537", "9" * 30]
            assert [400, 411, 413, 413] == [answer_to_length(port, length) for length in lengths]
        finally:
            process.terminate()


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((LOOPBACK, port)) == 0


def answer_to_length(port: int, length: str | None) -> int:
    """What a receiver answers to a body of which it is told the length alone."""
    with closing(HTTPConnection(LOOPBACK, port, timeout=5)) as connection:
        connection.putrequest("POST", "/")
        if length is not None:
            connection.putheader("Content-Length", length)
        connection.endheaders()
        return connection.getresponse().status


def post_signed(url: str, secret: str, id: str, order_id: str, sequence: int, status: str) -> int:
    """A message as the bar would send it."""
    data = {"order_id": order_id, "sequence": sequence, "event_id": 1000 + sequence, "status": status}
    body = json.dumps({"type": f"order.{status}", "timestamp": "2026-11-23T12:00:00+00:00", "data": data})
    now = datetime.now(UTC)
    headers = {
        "webhook-id": id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(id, now, body),
    }
    return httpx.post(url, content=body, headers=headers).status_code


def test_whoever_follows_goes_on_where_it_left_off(
    bar: Bar, api: httpx.Client, bartender: dict[str, str], till: Till
) -> None:
    till.run("sell", "Negroni")
    [order_id] = stored(bar)
    with till.running("follow") as output:
        eventually(lambda: place(till) is not None, deadline_seconds=20)
        act(api, bartender, order_id, "start")
        eventually(lambda: 2 == len(said(output)))
    act(api, bartender, order_id, "complete")
    with till.running("follow"):
        eventually(lambda: 4 == len(said(output)))
    assert ["Negroni is in_progress", "the order is in_progress", "Negroni is complete", "the order is complete"] == [
        line.removeprefix("till-1-1: ") for line in said(output)
    ]


def test_whoever_follows_a_log_that_was_restored_reads_everything_anew(
    bar: Bar, api: httpx.Client, bartender: dict[str, str], till: Till, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its place, and all that it was told, are of a log that went further than the one that there is now."""
    till.run("sell", "Negroni")
    [order_id] = stored(bar)
    with till.running("follow"):
        eventually(lambda: place(till) is not None, deadline_seconds=20)
        act(api, bartender, order_id, "start")
        eventually(lambda: "in_progress" in known(till, capsys))
    change(till, "UPDATE feed SET place = 1000000")
    change(till, "UPDATE told SET place = 1000000, status = 'pending'")
    with till.running("follow"):
        eventually(lambda: "Negroni in_progress" in known(till, capsys))
        act(api, bartender, order_id, "complete")
        eventually(lambda: "Negroni complete" in known(till, capsys))


def known(till: Till, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    till.run("status")
    return capsys.readouterr().out


def place(till: Till) -> Any:
    return change(till, "SELECT place FROM feed")


def change(till: Till, statement: str) -> Any:
    """Look at the till's own disk, or change what is there; the first value, if there is one."""
    with closing(sqlite3.connect(till.environment["TILL_STORE"], isolation_level=None)) as db:
        row = db.execute(statement).fetchone()
    return row and row[0]
