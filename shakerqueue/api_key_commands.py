"""`shakerqueue create-api-key`: a key for a POS or another program."""

from datetime import UTC, datetime, timedelta
from typing import Any

import click
from psycopg import Connection

from shakerqueue.api.api_key_schemas import NewApiKeySchema
from shakerqueue.config import load_settings
from shakerqueue.database import running_database
from shakerqueue.errors import NotFound, Taken, Unusable
from shakerqueue.integrations import IssuedKey, add_integration, integration_by_name, issue_key
from shakerqueue.operator_input import checked
from shakerqueue.queries.models import User
from shakerqueue.scopes import Scope


@click.command("create-api-key")
@click.option("--integration", required=True, help="What the program is called, such as till-1.")
@click.option("--another", is_flag=True, help="Another key of an integration that there is: it stays who it is.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="Again for each.",
)
@click.option("--expires-in-days", type=click.IntRange(1, 3650), help="Without: it never expires.")
def command(integration: str, *, another: bool, scopes: tuple[str, ...], expires_in_days: int | None) -> None:
    """Make an API key. The key alone goes to standard output, and is never shown again."""
    settings = load_settings()
    body = checked(NewApiKeySchema(), {"integration": integration, "scopes": scopes})
    expires_at = datetime.now(UTC) + timedelta(days=expires_in_days) if expires_in_days else None
    try:
        with (
            running_database(settings.database_url, "shakerqueue-create-api-key") as database,
            database.transaction() as conn,
        ):
            issued = issue_key(
                conn,
                _integration(conn, body["integration"], another=another),
                scopes=body["scopes"],
                expires_at=expires_at,
            )
    except NotFound:
        raise Unusable(f"there is no integration called {integration}, or it is disabled") from None
    except Taken:
        raise Unusable(f"{integration} is taken; for another key of it give --another") from None
    _say(issued)


def _integration(conn: Connection[Any], name: str, *, another: bool) -> User:
    return integration_by_name(conn, name) if another else add_integration(conn, name)


def _say(issued: IssuedKey) -> None:
    until = f"until {issued.stored.expires_at:%Y-%m-%d}" if issued.stored.expires_at else "for ever"
    click.echo(f"{issued.integration.username}: {', '.join(issued.stored.scopes)}, {until}", err=True)
    click.echo(issued.key)
