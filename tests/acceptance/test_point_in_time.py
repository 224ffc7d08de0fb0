"""Recovery from a base back-up and archived write-ahead log, as docs/operations.md shows it, word for word."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from dev import state
from dev.account import private_folder
from dev.postgres import PrivatePostgres
from shakerqueue.intake import insert_orders
from tests.support.bars import create_template
from tests.support.orders import drink, order, principal_id
from tests.support.tours import part_settings, run_part
from tests.support.waiting import eventually

GUIDE = "docs/operations.md"
AFTER_RESTORE = "docs/operations/after-restore.sql"


@pytest.fixture
def folder() -> Iterator[Path]:
    with state.temporary() as folder:
        yield folder


@pytest.fixture
def archive(folder: Path) -> Path:
    return private_folder(folder / "archive")


@pytest.fixture
def archiving(folder: Path, archive: Path) -> Iterator[PrivatePostgres]:
    """A server that hands its log to the archive."""
    settings = {"archive_mode": "on", "archive_command": f"test ! -f {archive}/%f && cp %p {archive}/%f"}
    with PrivatePostgres(folder / "first", settings=settings) as server:
        yield server


def place(url: str) -> UUID:
    with psycopg.connect(url) as conn:
        placed = order(principal_id(conn), drink(conn))
        insert_orders(conn, [placed])
    return placed.id


def await_archive(server: PrivatePostgres) -> None:
    """Until the archive has all that was written so far."""
    with psycopg.connect(server.admin_url, autocommit=True) as conn:
        conn.execute("SELECT pg_create_restore_point('so that there is something in the file')")
        [file] = conn.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone() or [""]
        archived = "SELECT FROM pg_stat_archiver WHERE last_archived_wal >= %s"
        eventually(lambda: conn.execute(archived, [file]).rowcount)


def is_writable(url: str) -> bool:
    with psycopg.connect(url) as conn:
        return conn.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)


@pytest.mark.slow
def test_a_lost_server_comes_back_as_it_was_before_a_mistake(
    archiving: PrivatePostgres, archive: Path, folder: Path
) -> None:
    url = f"{archiving.url.rpartition('/')[0]}/{create_template(archiving)}"
    second = PrivatePostgres(folder / "second")
    backups = private_folder(folder / "backups")
    settings = part_settings(archiving, archiving.admin_url, BASE=backups / "base", PGDATA=second.data, ARCHIVE=archive)
    first = place(url)
    run_part(GUIDE, "base", settings, backups, archiving.account)
    later = place(url)
    with psycopg.connect(url) as conn:
        [until] = conn.execute("SELECT clock_timestamp()::text").fetchone() or [""]
    with psycopg.connect(url) as conn:
        conn.execute("DELETE FROM order_events; DELETE FROM order_items; DELETE FROM orders")
    await_archive(archiving)
    archiving.kill()

    shutil.copytree(folder / "first/secrets", folder / "second/secrets")
    run_part(GUIDE, "recover", {**settings, "UNTIL": until}, backups, archiving.account)
    with second:
        url = f"{second.url.rpartition('/')[0]}/{url.rpartition('/')[2]}"
        eventually(lambda: is_writable(url), deadline_seconds=30)
        with psycopg.connect(url) as conn:
            assert {first, later} == {id for (id,) in conn.execute("SELECT id FROM orders")}
            conn.execute(Path(AFTER_RESTORE).read_bytes())
        place(url)
        with psycopg.connect(url) as conn:
            [before, _, after] = [id for (id,) in conn.execute("SELECT id FROM order_events ORDER BY id")]
        assert after > before + 10**9
