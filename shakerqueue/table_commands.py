"""`shakerqueue table-links`: make tables, and print the links that stand on them."""

import re
from collections.abc import Iterator

import click

from shakerqueue import tables
from shakerqueue.api.table_schemas import NewTablesSchema
from shakerqueue.config import PUBLIC_URL_FORM, load_settings
from shakerqueue.database import Database, running_database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unusable
from shakerqueue.id_secret import OrderIdSecret
from shakerqueue.operator_input import checked
from shakerqueue.queries import tables as table_queries
from shakerqueue.table_links import derived_secret, table_url
from shakerqueue.table_sheet import PrintedLink, printable_page

DEADLINE_SECONDS = 4.0
RANGE = re.compile(r"(\d{1,4})-(\d{1,4})")


STANDARD_OUTPUT = "-"


@click.command("table-links")
@click.option("--labels", help="Such as 1-20, or Bar,Terrace; tables that are missing are made. Without: every table.")
@click.option("--html", metavar="FILE", help="Also write a page for the printer, with a QR code a table; - for stdout.")
@click.option("--url", help="How guests reach the pages, such as https://bar.example; instead of PUBLIC_URL.")
def command(labels: str | None, html: str | None, url: str | None) -> None:
    """Print the links by which guests order at a table without an account: a label and a link a line."""
    settings = load_settings()
    root = _root(url or settings.public_url)
    wanted = None if labels is None else _checked(labels)
    with running_database(settings.database_url, "shakerqueue-table-links") as database:
        links = _links(database, root, wanted)
    if html:
        with click.open_file(html, "w", encoding="utf-8", lazy=True) as sheet:
            sheet.write(printable_page(links))
    lines = "\n".join(f"{link.label}\t{link.url}" for link in links) or "no tables"
    click.echo(lines, err=html == STANDARD_OUTPUT)


def _links(database: Database, root: str, labels: list[str] | None) -> list[PrintedLink]:
    """Those of these labels, made where missing; of every table for None."""
    deadline = Deadline.after(DEADLINE_SECONDS)
    secret = derived_secret(OrderIdSecret(database).read(deadline))
    with database.transaction(deadline) as conn:
        found = table_queries.list_tables(conn) if labels is None else tables.add_tables(conn, labels)
    return [PrintedLink(table.label, table_url(root, table, secret)) for table in tables.in_order(found)]


def _root(url: str | None) -> str:
    if url is None:
        raise Unusable("set PUBLIC_URL, or give --url: a link has to say how guests reach the pages")
    if not PUBLIC_URL_FORM.fullmatch(url):
        raise Unusable(f"{url} is not scheme and host, such as https://bar.example")
    return url.rstrip("/")


def _checked(labels: str) -> list[str]:
    """The labels, under the rules that hold for whoever adds tables over HTTP."""
    found: list[str] = checked(NewTablesSchema(), {"labels": list(_listed(labels))})["labels"]
    return found


def _listed(labels: str) -> Iterator[str]:
    for part in labels.split(","):
        span = RANGE.fullmatch(part.strip())
        if span:
            first, last = map(int, span.groups())
            if first > last:
                raise Unusable(f"labels: {part} counts backwards")
            yield from map(str, range(first, last + 1))
        else:
            yield part.strip()
