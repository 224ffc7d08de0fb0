"""The commands and queries that docs/operations.md gives for an alarm."""

import re

import psycopg
import pytest
from psycopg.rows import TupleRow

from dev.postgres import PrivatePostgres
from shakerqueue.queries.order_events import lock_event_log
from tests.support.bar import Bar, free_port
from tests.support.tours import REPOSITORY, part_settings, run_part
from tests.support.waiting import eventually

GUIDE = "docs/operations.md"
TEXT = (REPOSITORY / GUIDE).read_text("utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)


def named_query(name: str) -> bytes:
    [query] = re.findall(rf"<!-- query {name}:.*?-->\n```sql\n(.*?)```", TEXT, re.DOTALL)
    return str(query).encode()


@pytest.mark.shares_bar
@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.split("\n")[0][:60])
def test_every_query_can_be_asked(postgres: PrivatePostgres, bar: Bar, query: str) -> None:
    with as_administrator(postgres, bar) as conn:
        assert conn.execute(query.encode()).description


def as_administrator(postgres: PrivatePostgres, bar: Bar) -> psycopg.Connection[TupleRow]:
    name = bar.database_url.rpartition("/")[2]
    return psycopg.connect(f"{postgres.admin_url.rpartition('/')[0]}/{name}", autocommit=True)


def test_who_holds_up_the_event_log_is_found_and_ended(postgres: PrivatePostgres, bar: Bar) -> None:
    holder = psycopg.connect(bar.database_url, application_name="somebody's psql")
    lock_event_log(holder)
    waiter = psycopg.connect(bar.database_url)
    waiter.pgconn.send_query(b"SELECT pg_advisory_xact_lock(20260001)")
    with as_administrator(postgres, bar) as conn:
        [found] = conn.execute(named_query("holders")).fetchall()
        assert (holder.info.backend_pid, "somebody's psql", "idle in transaction") == found[:3]
        [blocked] = eventually(lambda: conn.execute(named_query("blockers")).fetchall())
        assert (waiter.info.backend_pid, holder.info.backend_pid) == (blocked[0], blocked[2])
        conn.execute("SELECT pg_terminate_backend(%s)", [found[0]])
        eventually(lambda: [] == conn.execute(named_query("blockers")).fetchall())
    holder.close()
    waiter.close()


def test_dead_letters_are_listed(postgres: PrivatePostgres, bar: Bar) -> None:
    settings = part_settings(postgres, bar.database_url, **bar.environment(free_port()))
    assert ["no dead letters", "would be retried: 0"] == run_part(GUIDE, "dead-letters", settings)


def test_the_files_and_headings_that_the_guide_links_are_there() -> None:
    headings = {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        if target.startswith("#"):
            assert target[1:] in headings
        elif not target.startswith("https://"):
            assert (REPOSITORY / "docs" / target.partition("#")[0]).exists(), target
